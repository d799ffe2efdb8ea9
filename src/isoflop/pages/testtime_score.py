"""Judge samples that a bank holds already by a further verifier, or a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import UsageError, amount
from isoflop.quantities import show
from isoflop.report import Block, Cell, Paragraph, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.sampling.messages import TextProblem
    from isoflop.experiments.sampling.rejudge import Ask, RejudgeProgress
    from isoflop.samples.bank import SampleBank


COLUMNS = (
    "verdict",
    "new",
    "there before",
    "still without",
    "mean score, right",
    "mean score, wrong",
)


def page_of(bank: SampleBank, names: Sequence[str], verdicts: Sequence[RejudgeProgress]) -> Report:
    """Return what verifiers said of the samples of a strategy and a lineage, `names`."""
    from isoflop.samples.sample_table import SCORE

    folder = str(bank.study.path)
    rows = tuple(_row(bank, names, one) for one in verdicts)
    data = {
        "bank": folder,
        "strategy": names[0],
        "lineage": names[1],
        "verdicts": [_data(one, row) for one, row in zip(verdicts, rows, strict=True)],
    }
    notes: list[Block] = [
        Remark(
            f"{amount(count, 'sample has', 'samples have')} no {one.column.removeprefix(SCORE)}: "
            f"{why}",
            "doubt",
        )
        for one in verdicts
        for why, count in one.owed.items()
    ]
    table = Table(COLUMNS, rows, f"Samples of {names[0]}, {names[1] or 'without a lineage'}.")
    last = Paragraph(f"'isoflop testtime curves {folder}' tells what each verifier is worth.")
    title = f"Verdicts on {amount(verdicts[0].total, 'sample', 'samples')}"
    return Report(title, (*notes, table, last), data)


def problems_block(
    bank: SampleBank, lineage: str, task: str | None, columns: Mapping[str, str] | None
) -> Mapping[str, TextProblem]:
    """Return the problems by name, of a file if one is given.

    Raises UsageError where nobody knows them.
    """
    from isoflop.experiments.sampling.collect import problems_of
    from isoflop.experiments.sampling.problems import exercise

    problems = problems_of(bank, lineage)
    if task is not None:
        problems |= {p.name: p for p in exercise(task, None, 0, columns).problems}
    if not problems:
        raise UsageError(
            "the bank does not hold the texts of its problems; give them by --task FILE.jsonl, "
            "with the id of each"
        )
    return problems


def judged(
    bank: SampleBank,
    column: str,
    ask: Ask,
    problems: Mapping[str, TextProblem],
    names: Sequence[str],
    batch: int,
) -> RejudgeProgress:
    """Return how far the verdicts of one column are, after asking for those that lack."""
    from isoflop.experiments.display import shown
    from isoflop.experiments.sampling.rejudge import VerdictSource, judge_again

    with shown(column, _sentence) as watch:
        return judge_again(
            bank,
            VerdictSource(column, ask, batch),
            problems,
            strategy=names[0],
            lineage=names[1],
            watch=watch,
        )


def _sentence(judging: RejudgeProgress) -> str:
    """Return how far the verdicts are, in a few words."""
    from isoflop.experiments.display import duration

    rate = judging.new / judging.seconds if judging.seconds > 0 else 0.0
    parts = [f"{judging.done:,}/{judging.total:,} samples"]
    if rate:
        remaining = duration((judging.total - judging.done) / rate)
        parts += [f"{show(rate)} a second", f"{remaining} to go"]
    if judging.owed:
        parts.append(f"{judging.owed.total():,} without a verdict")
    return ", ".join(parts)


def _row(
    bank: SampleBank, names: Sequence[str], rejudge_progress: RejudgeProgress
) -> tuple[Cell, ...]:
    """Return the row of one verifier: how many verdicts, and their means."""
    from isoflop.samples.sample_table import SCORE

    name = rejudge_progress.column.removeprefix(SCORE)
    means: tuple[float | None, ...] = (None, None)
    if rejudge_progress.column.startswith(SCORE) and rejudge_progress.new + rejudge_progress.had:
        means = _means(bank, names, name)
    return (name, rejudge_progress.new, rejudge_progress.had, rejudge_progress.owed.total(), *means)


def _means(bank: SampleBank, names: Sequence[str], verifier: str) -> tuple[float | None, ...]:
    """Return the mean scores of right and of wrong answers, None where there are none."""
    from isoflop.errors import RefusedByData

    try:
        samples = bank.load(names[0], names[1], (verifier,))
    except RefusedByData:  # nobody graded them
        return None, None
    scores = samples.scores[verifier]
    parts = (
        scores[samples.correct & np.isfinite(scores)],
        scores[~samples.correct & np.isfinite(scores)],
    )
    return tuple(float(part.mean()) if part.size else None for part in parts)


def _data(rejudge_progress: RejudgeProgress, row: Sequence[Cell]) -> dict[str, Any]:
    """Return the row of one verifier as JSON types."""
    return {
        "verdict": row[0],
        "new": rejudge_progress.new,
        "had": rejudge_progress.had,
        "without": dict(rejudge_progress.owed),
        "seconds": rejudge_progress.seconds,
        "mean of right": row[-2],
        "mean of wrong": row[-1],
    }
