"""One sample as it was written: the problem, the response, the answer and its verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from isoflop.errors import UnknownName, UsageError
from isoflop.report.display import Displayed
from isoflop.samples.bank import chosen_group
from isoflop.samples.sample_table import SCORE

COLUMNS = (
    "problem", "sample", "response", "answer", "correct", "tokens", "left_out",
)  # fmt: skip


class Readable(Protocol):
    """What samples are read from: a bank, or a log."""

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The verifiers that any sample has a score of."""

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Return each strategy and lineage that there are samples of."""

    def tables(
        self,
        columns: Sequence[str],
        where: Mapping[str, str],
        span: tuple[str, str] | None = None,
    ) -> Iterator[Any]:
        """Yield the samples that have the texts of `where`, with these columns."""


@dataclass(frozen=True, slots=True)
class Transcript(Displayed):
    """A sample of a problem: what was asked and written, and how it was judged.

    `prompt`, `right` (the right answer) and `response` are None where the source does not hold
    them, `correct` where nobody graded the sample. `left_out` says why it counts in no estimate.
    """

    problem: str
    sample: int
    strategy: str
    lineage: str
    prompt: str | None
    right: str | None
    response: str | None
    answer: str | None
    correct: bool | None
    tokens: int | None
    left_out: str
    scores: Mapping[str, float]


def transcript(
    source: Readable,
    problem: str | None = None,
    sample: int = 0,
    *,
    strategy: str | None = None,
    lineage: str | None = None,
) -> Transcript:
    """Return a sample of a problem, the first one that there is unless it is named.

    Raises UnknownName for a problem that was not sampled, UsageError for a sample that is not
    there, and where strategy and lineage leave several.
    """
    group = chosen_group(source.kinds(), strategy, lineage, "the source")
    where = {"strategy": group[0], "lineage": group[1]}
    scores = [SCORE + name for name in source.verifiers]
    span = None if problem is None else (problem, problem)
    numbers: set[int] = set()
    for table in source.tables([*COLUMNS, *scores], where, span):
        for row in table.to_pylist():
            if problem is None:
                problem = str(row["problem"])
            if row["problem"] != problem:
                continue
            numbers.add(int(row["sample"]))
            if row["sample"] == sample:
                return _transcript(source, row, group)
    if problem is None or not numbers:
        raise UnknownName("problem", problem or "", _problems(source, where))
    raise UsageError(
        f"problem {problem!r} has no sample {sample}; it has {min(numbers)} to {max(numbers)}"
    )


def _transcript(source: Readable, row: Mapping[str, Any], group: tuple[str, str]) -> Transcript:
    name = str(row["problem"])
    prompt, right = _texts(source, group[1]).get(name, (None, None))
    return Transcript(
        problem=name,
        sample=int(row["sample"]),
        strategy=group[0],
        lineage=group[1],
        prompt=prompt,
        right=right,
        response=row["response"],
        answer=row["answer"],
        correct=row["correct"],
        tokens=row["tokens"],
        left_out=row["left_out"] or "",
        scores={
            key.removeprefix(SCORE): float(value)
            for key, value in row.items()
            if key.startswith(SCORE) and value is not None
        },
    )


def _texts(source: Readable, lineage: str) -> Mapping[str, tuple[str, str]]:
    """Return prompts and right answers by problem: of a bank a method, of a log a mapping."""
    problems: Any = getattr(source, "problems", {})
    texts: Mapping[str, tuple[str, str]]
    texts = problems(lineage) if callable(problems) else problems.get(lineage, {})
    return texts


def _problems(source: Readable, where: Mapping[str, str]) -> list[str]:
    names: dict[str, None] = {}
    for table in source.tables(("problem",), where):
        names.update(dict.fromkeys(str(name) for name in table["problem"].to_pylist()))
    return list(names)
