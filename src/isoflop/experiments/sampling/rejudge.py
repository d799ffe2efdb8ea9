"""Judge samples that a bank holds already: by a further reward model, or by a program."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from isoflop.errors import UsageError, in_words
from isoflop.experiments.sampling.judges import Scorer, checked
from isoflop.experiments.sampling.messages import TextProblem
from isoflop.experiments.sampling.program_judge import Program
from isoflop.network.reply import finite
from isoflop.network.server import completed
from isoflop.samples.bank import SCHEMA, SampleBank
from isoflop.store.rows import Writer

LEFT_OUT = "they are left out of every estimate"
NO_VERDICT = "who judges gave none, or no number; the same command asks again"
NO_TEXT = "the bank holds no text of the response"
NO_PROBLEM = "the text of the problem is not known"

# Verdicts on problems, responses and their final answers, in their order; None where it is none.
Asked: TypeAlias = Sequence[tuple[TextProblem, str, str | None]]
Ask: TypeAlias = Callable[[Asked], Sequence[float | bool | None]]
Row: TypeAlias = Mapping[str, Any]


@dataclass
class RejudgeProgress:
    """How far the verdicts of one column are: of `total` samples `had` one, `new` came now.

    `owed` counts samples that still have none, by why.
    """

    column: str
    total: int
    had: int = 0
    new: int = 0
    owed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many samples were looked at."""
        return self.had + self.new + self.owed.total()


Watch: TypeAlias = Callable[[RejudgeProgress], None]


def by_scorer(name: str, scorer: Scorer) -> Ask:
    """Return verdicts of a reward model, None for what is no number."""

    def ask(items: Asked) -> list[float | None]:
        try:
            scores = scorer([p.prompt for p, _, _ in items], [text for _, text, _ in items])
        except Exception as error:
            raise in_words(error, f"{name} gave scores; those so far are kept") from error
        if len(scores) != len(items):
            raise UsageError(f"{name} was sent {len(items)} samples and gave {len(scores)} scores")
        return [None if math.isnan(score) else score for score in map(finite, scores)]

    return ask


def by_program(program: Program) -> Ask:
    """Return verdicts of a program, None where it could not tell."""
    return lambda asked: completed(checked(program, asked))


@dataclass(frozen=True, slots=True)
class VerdictSource:
    """What to `ask` for what stands in a `column`: "correct", or "score:NAME".

    It is sent `batch` samples at a time.
    """

    column: str
    ask: Ask
    batch: int = 32

    def __post_init__(self) -> None:
        """Refuse to ask for nothing."""
        if self.batch < 1:
            raise UsageError(f"the batch is {self.batch}; it must be 1 at least")


def judge_again(
    bank: SampleBank,
    source: VerdictSource,
    problems: Mapping[str, TextProblem],
    *,
    strategy: str,
    lineage: str,
    watch: Watch = lambda judging: None,
) -> RejudgeProgress:
    """Return what was done so that every sample has a verdict.

    What has one keeps it. Verdicts are written a batch at a time; killed anywhere, the same call
    goes on. A sample that gets no verdict is counted, and asked for again by the next call.
    Raises EnvironmentFailure for a verifier that does not work: verdicts so far are kept.
    """
    column, ask, batch = source.column, source.ask, source.batch
    began = time.monotonic()
    where = {"strategy": strategy, "lineage": lineage}
    total = sum(len(table) for table in bank.rows.tables(["sample"], where))
    progress = RejudgeProgress(column, total)
    with bank.later(column).writing() as writer:
        for rows in _batches(bank, column, where, batch):
            open_rows = [row for row in rows if _is_open(row, column, writer, problems, progress)]
            if open_rows:
                _add(writer, open_rows, column, ask, problems, progress)
            progress.seconds = time.monotonic() - began
            watch(progress)
        writer.close_chunk()
    return progress


def _batches(
    bank: SampleBank, column: str, where: Mapping[str, str], batch: int
) -> Iterator[list[dict[str, Any]]]:
    names = [*SCHEMA.key, "response", "answer", "left_out", column]
    for table in bank.rows.tables(names, where):
        for part in table.to_batches(max_chunksize=batch):
            yield part.to_pylist()


def _is_open(
    row: Row,
    column: str,
    writer: Writer,
    problems: Mapping[str, TextProblem],
    progress: RejudgeProgress,
) -> bool:
    """Return whether a sample is to be judged now; else it is counted."""
    if row[column] is not None or writer.has(*(row[name] for name in SCHEMA.key)):
        progress.had += 1
        return False
    reasons = {
        LEFT_OUT: bool(row["left_out"]),
        NO_TEXT: row["response"] is None,
        NO_PROBLEM: row["problem"] not in problems,
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    progress.owed.update([why] if why else [])
    return why is None


def _add(
    writer: Writer,
    rows: Sequence[Row],
    column: str,
    ask: Ask,
    problems: Mapping[str, TextProblem],
    progress: RejudgeProgress,
) -> None:
    verdicts = ask([(problems[row["problem"]], row["response"], row["answer"]) for row in rows])
    judgements = [(row, v) for row, v in zip(rows, verdicts, strict=True) if v is not None]
    if len(judgements) < len(rows):
        progress.owed[NO_VERDICT] += len(rows) - len(judgements)
    if judgements:
        columns = {name: [row[name] for row, _ in judgements] for name in SCHEMA.key}
        progress.new += writer.add({**columns, column: [v for _, v in judgements]})
