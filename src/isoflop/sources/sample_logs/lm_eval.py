"""Sample files of lm-eval, samples_TASK_DATE.jsonl, and result files of its_hub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isoflop.samples.answers import normal
from isoflop.sources.sample_logs.parsed import (
    NotASample,
    ParsedSamples,
    answer_in,
    mapping,
    number,
    right_answer,
    truth,
)

GRADES = ("exact_match", "acc", "pass@1", "pass_at_1", "correct", "mcq", "score")
_DATE = re.compile(r"_\d{4}-\d{2}-\d{2}T[\d.:-]+$")
_ALGORITHMS = (
    "self-consistency",
    "best-of-n",
    "beam-search",
    "entropic-particle-filtering",
    "particle-filtering",
)


def is_lm_eval(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a line of lm-eval."""
    return "doc_id" in record and "resps" in record


def is_summary(document: Any) -> bool:
    """Return whether a JSON document is lm-eval's results, which lie beside its samples."""
    return isinstance(document, Mapping) and {"results", "configs", "n-shot"} <= set(document)


def is_its_hub(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a line of its_hub."""
    return {"unique_id", "budget"} <= set(record) and bool({"response", "responses"} & set(record))


def lm_eval_rows(
    record: Mapping[str, Any], path: Path, collector: ParsedSamples, grade: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the samples of a line of lm-eval.

    A line with one response, or with likelihoods of choices, is graded by its metric. One with
    several responses has no grade for each: right are those whose answer is that of the target.
    """
    task = _DATE.sub("", path.stem).removeprefix("samples_")
    kind = record.get("filter")
    about = {"problem": str(record["doc_id"]), "lineage": f"{path.parent.name}/{task}"}
    if kind not in (None, "none"):
        about["lineage"] += f",{kind}"
    collector.keep_problem(about, _prompt(record), record.get("target"))
    responses = _responses(record, grade, collector)
    if (choice := _likeliest(responses)) is not None:
        yield {**about, "answer": str(choice), "correct": _graded(record, grade)}
        return
    answers, texts = list(_flat(responses)), list(_flat(record["resps"]))
    texts = texts if len(texts) == len(answers) else texts[:1] if len(answers) == 1 else answers
    right = right_answer(record.get("target"))
    if len(answers) == 1:
        fields = {"answer": answer_in(answers[0], right), "response": _text(texts[0])}
        yield {**about, **fields, "correct": _graded(record, grade)}
        return
    if right is None or not answers:
        raise NotASample("it has several responses and no target to grade them by")
    collector.remark("lines of several responses are graded by their answer against the target's")
    for one, text in zip(answers, texts, strict=True):
        answer = answer_in(one, right)
        yield {**about, "answer": answer, "response": _text(text), "correct": answer == right}


def _responses(record: Mapping[str, Any], grade: str | None, collector: ParsedSamples) -> Any:
    """Return the responses of a line: all that were drawn, where a filter took the first of them.

    A filter that votes leaves one answer of its own, and so does a grade that the user names.
    """
    filtered, attempts = record.get("filtered_resps") or record["resps"], record["resps"]
    many, filtered_count = len(list(_flat(attempts))), len(list(_flat(filtered)))
    if filtered_count != 1 or many < 2 or _likeliest(filtered) is not None:
        return filtered
    votes = str(record.get("filter") or "").lower().startswith(("maj", "vote"))
    if votes or grade is not None or right_answer(record.get("target")) is None:
        collector.remark(
            f"lines hold {many} responses and one filtered answer: the other {many - 1} are left "
            "out"
        )
        return filtered
    collector.remark(
        f"a filter left one of {many} responses: all {many} are taken, as samples of their problem"
    )
    return attempts


def _prompt(record: Mapping[str, Any]) -> Any:
    """Return the prompt of a line, of newer and of older versions of lm-eval."""
    arguments = record.get("arguments")
    if (
        isinstance(arguments, list)
        and arguments
        and isinstance(arguments[0], list)
        and arguments[0]
    ):
        return arguments[0][0]
    return mapping(mapping(arguments).get("gen_args_0")).get("arg_0")


def _graded(record: Mapping[str, Any], grade: str | None) -> bool | None:
    name = grade or next((g for g in GRADES if number(record.get(g)) is not None), None)
    if name is None or name not in record:
        raise NotASample("no metric says whether it is right; name one: --columns correct=")
    return truth(record[name])


def _likeliest(responses: Any) -> int | None:
    """Return the choice of the highest log-likelihood, None where responses are no likelihoods.

    Of each choice there is its log-likelihood, and whether greedy decoding would give it.
    """
    pairs = [part for part in responses if isinstance(part, list) and len(part) == 2]
    logs = [number(log) for log, greedy in pairs if str(greedy) in ("True", "False")]
    likelihoods = [log for log in logs if log is not None]
    if not likelihoods or len(likelihoods) < len(responses):
        return None
    return likelihoods.index(max(likelihoods))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def its_hub_rows(
    record: Mapping[str, Any], path: Path, collector: ParsedSamples
) -> Iterator[dict[str, Any]]:
    """Yield the sample of a line of its_hub: one final answer of an algorithm at a budget."""
    if "responses" in record:
        raise NotASample("it holds an expected pass rate over particles, and no one answer")
    name = next((a for a in _ALGORITHMS if a in path.stem), "its_hub")
    response = record["response"]
    text = response.get("content") if isinstance(response, Mapping) else response
    budget = number(record["budget"])
    if budget is None:
        raise NotASample("its budget is no number")
    yield {
        "problem": str(record["unique_id"]),
        "strategy": f"{name}/n={budget:g}",
        "lineage": path.stem,
        "answer": normal(text),
        "response": _text(text),
        "correct": truth(record.get("correct")),
    }


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _flat(part)
    else:
        yield value
