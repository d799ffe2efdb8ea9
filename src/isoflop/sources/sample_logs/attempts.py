"""Rows of one problem that hold lists of attempts: grades, answers, responses, scores, tokens.

So write large_language_monkeys, search-and-learn and many evaluations of mathematics. A row is as
many samples as its lists are long. A flag beside the lists, such as "any was right", is a summary
of the problem and no sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.errors import BadRuns, UsageError, brief, suggest
from isoflop.files import BadJSON, parse_json
from isoflop.samples.sample_table import SCORE
from isoflop.sources.sample_logs.parsed import (
    RIGHT,
    NotASample,
    ParsedSamples,
    answer_in,
    count,
    number,
    right_answer,
    truth,
)

_PROBLEM = (
    "problem_id", "question_id", "task_id", "prompt_id", "doc_id", "unique_id", "orig_dset_idx",
    "idx", "id", "index", "problem", "question", "prompt",
)  # fmt: skip
_TARGET = (
    "gold_answer", "gt_answer", "gt", "target", "ground_truth", "answer", "reference", "gold",
    "correct_answer", "expected_answer", "solution",
)  # fmt: skip
_GRADES = ("correct", "pass", "right", "grade", "success", "solved", "acc", "label", "result")
_ANSWERS = ("answer", "pred", "extracted", "final")
_RESPONSES = (
    "sample", "completion", "response", "generation", "output", "attempt", "solution", "text",
)  # fmt: skip
_SCORES = ("score", "reward", "prm", "orm", "verifier")
_LINEAGE = ("lineage", "model", "model_name")
SEVERAL = 2  # elements from which a list may be one of attempts


@dataclass(frozen=True, slots=True)
class AttemptFields:
    """The fields of a row that hold lists of one length, and those that tell of its problem."""

    count: int
    grades: str | None
    answers: str | None
    responses: str | None
    scores: tuple[str, ...]
    tokens: str | None
    problem: str | None
    target: str | None

    @property
    def graded(self) -> bool:
        """Whether the row says which attempts are right, or what would be."""
        texts = self.answers or self.responses
        return self.grades is not None or (texts is not None and self.target is not None)


def unpacked(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record whose lists are lists of values.

    A CSV holds them as text, and some programs as one list of attempts, each an object.
    """
    plain = {name: _listed(value) for name, value in record.items()}
    graded = next((name for name, value in plain.items() if _are_attempts(value)), None)
    if graded is None:
        return plain
    attempts = [_level(attempt) for attempt in plain.pop(graded)]
    names = dict.fromkeys(name for attempt in attempts for name in attempt)
    lists = {name: [attempt.get(name) for attempt in attempts] for name in names}
    return {**lists, **plain}


def records_in(document: Mapping[str, Any]) -> list[Any]:
    """Return the records of a document: a list under one key, or what it holds by problem."""
    values = list(document.values())
    if _scalar(document, _PROBLEM) is not None or not values:
        return [document]
    if len(values) > 1 and all(map(_are_objects, values)):
        return [{"problem_id": name, "attempts": value} for name, value in document.items()]
    if len(values) > 1 and all(isinstance(value, Mapping) and value for value in values):
        return [{"problem_id": name, **value} for name, value in document.items()]
    inner = [value for value in values if isinstance(value, list | Mapping)]
    if len(inner) != 1:
        return [document]
    if isinstance(inner[0], Mapping):
        return records_in(inner[0])
    return list(inner[0]) if _are_objects(inner[0]) else [document]


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _are_attempts(value: Any) -> bool:
    """Return whether a value is a list of objects, each of which says whether it is right."""
    if not _are_objects(value):
        return False
    return all(map(_is_graded, value))


def _is_graded(attempt: Mapping[str, Any]) -> bool:
    return any(_speaks(name, _GRADES) and _is_grade(g) for name, g in _level(attempt).items())


def _level(attempt: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with what its inner objects hold beside it."""
    inner = (v.items() for v in attempt.values() if isinstance(v, Mapping))
    plain = {name: v for name, v in attempt.items() if not isinstance(v, Mapping)}
    return {**{name: v for items in inner for name, v in items}, **plain}


def attempt_fields(record: Mapping[str, Any], columns: Mapping[str, str]) -> AttemptFields | None:
    """Return what a row of lists holds, None for a row that is one sample.

    `columns` says which field is which. Raises UsageError for a field that is not there, BadRuns
    for a summary that is named as the grade, and for several lists that may be the grades.
    """
    lists = {n: v for n, v in record.items() if isinstance(v, list) and len(v) >= 1}
    named = columns.get("correct")
    if named is not None and named not in record:
        raise UsageError(f"there is no field {named!r}; {suggest(named, record)}")
    grades = _grades(lists, named)
    answers = columns.get("answer") or _first(lists, _ANSWERS, str, grades)
    responses = columns.get("response") or _first(lists, _RESPONSES, str, grades, answers)
    length = next((len(lists[n]) for n in (grades, answers, responses) if n in lists), 0)
    if not length or (grades is None and length < SEVERAL):
        return None
    if named is not None and named not in lists:
        _refuse_summary(named, grades or answers or responses or "", length)
    same = {n: v for n, v in lists.items() if len(v) == length}
    return AttemptFields(
        count=length,
        grades=grades,
        answers=answers if answers in same else None,
        responses=responses if responses in same else None,
        scores=tuple(n for n in same if n != grades and _speaks(n, _SCORES) and _numeric(same[n])),
        tokens=next((n for n in same if "token" in n.lower() and _numeric(same[n])), None),
        problem=columns.get("problem") or _scalar(record, _PROBLEM),
        target=_scalar(record, _TARGET),
    )


def attempt_rows(
    record: Mapping[str, Any], fields: AttemptFields, lineage: str, collector: ParsedSamples
) -> Iterator[dict[str, Any]]:
    """Yield the samples of a row of lists.

    Where no list grades them, right are those whose answer is that of the target.
    Raises NotASample for a row without a problem, or whose attempts nothing grades.
    """
    if fields.problem is None or record.get(fields.problem) in (None, ""):
        raise NotASample("it names no problem")
    if not fields.graded:
        raise NotASample(
            f"it holds lists of {fields.count} attempts, and nothing grades them: name a list of "
            "grades, --columns correct=FIELD"
        )
    texts = fields.answers or fields.responses
    target = right_answer(record[fields.target]) if fields.target else None
    if fields.grades is None:
        collector.remark(
            f"attempts in {texts!r} are graded by their answer against {fields.target}"
        )
    else:
        collector.remark(f"right or wrong is read from the lists in {fields.grades!r}")
    about = {"problem": str(record[fields.problem]), "lineage": _lineage(record, lineage)}
    collector.keep_problem(about, record.get("question", record.get("prompt")), target)
    for i in range(fields.count):
        text = record[texts][i] if texts else None
        answer = None if text is None else answer_in(text, target)
        grade = truth(record[fields.grades][i]) if fields.grades else answer == target
        response = record[fields.responses][i] if fields.responses else None
        yield {
            **about,
            "sample": i,
            "correct": grade,
            "answer": answer,
            "response": response if isinstance(response, str) else None,
            "tokens": count(record[fields.tokens][i], "tokens") if fields.tokens else None,
            **{SCORE + name: _score(record[name][i]) for name in fields.scores},
        }


def _listed(value: Any) -> Any:
    """Return a list that is written as text, as in a CSV; anything else as it is."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if not (isinstance(value, str) and value.startswith("[") and value.endswith("]")):
        return value
    words = value.replace("True", "true").replace("False", "false").replace("'", '"')
    for text in (value, words):
        try:
            return parse_json(text)
        except BadJSON:
            continue
    return value


def _grades(lists: Mapping[str, list[Any]], named: str | None) -> str | None:
    if named in lists:
        return named
    able = [n for n, v in lists.items() if _speaks(n, _GRADES) and all(map(_is_grade, v))]
    flags = [n for n in able if all(isinstance(g, bool | str) for g in lists[n])] or able
    if len(flags) > 1 and named is None:
        raise BadRuns(
            f"the lists {' and '.join(map(repr, flags))} may each grade the attempts; say which: "
            f"--columns correct={flags[0]}"
        )
    return flags[0] if flags else None


def _is_grade(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in RIGHT
    return isinstance(value, bool) or number(value) in (0.0, 1.0)


def _refuse_summary(named: str, lists: str, length: int) -> None:
    raise BadRuns(
        f"{brief(named)} is one grade for a row of {length} attempts ({brief(lists)}): a summary "
        "of the problem, such as whether any was right, and no sample; leave --columns out, or "
        "name a list of grades"
    )


def _first(
    lists: Mapping[str, list[Any]], words: tuple[str, ...], kind: type, *taken: str | None
) -> str | None:
    """Return the first list of texts whose name speaks for what is wanted, words in order."""
    for word in words:
        for name, values in lists.items():
            if name not in taken and word in name.lower() and _holds(values, kind):
                return name
    return None


def _holds(values: list[Any], kind: type) -> bool:
    return all(isinstance(v, kind | int | float) or v is None for v in values) and any(
        isinstance(v, kind) for v in values
    )


def _speaks(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name.lower() for word in words)


def _numeric(values: list[Any]) -> bool:
    """Return whether elements are numbers, or lists of them, as of the steps of a solution."""
    flat = [v[-1] if isinstance(v, list) and v else v for v in values]
    return all(v is None or number(v) is not None for v in flat)


def _score(value: Any) -> float | None:
    """Return the score of an attempt; of scores of its steps, the last."""
    return number(value[-1] if isinstance(value, list) and value else value)


def _scalar(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    folded = {n.lower(): n for n in reversed(list(record))}
    values = (folded[n] for n in names if n in folded)
    return next((n for n in values if not isinstance(record[n], list | Mapping)), None)


def _lineage(record: Mapping[str, Any], lineage: str) -> str:
    name = _scalar(record, _LINEAGE)
    return str(record[name]) if name else lineage
