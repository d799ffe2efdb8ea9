"""testtime score: judge samples that a bank holds already by a further verifier, or a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime import asking as asked
from isoflop.commands.testtime.reading import Lineage, Strategy
from isoflop.errors import UsageError, amount
from isoflop.report import Block, Cell, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.backends.rejudging import Ask, Judging
    from isoflop.experiments.backends.request import Problem
    from isoflop.samples.bank import Bank

COLUMNS = (
    "verdict", "new", "there before", "still without", "mean score, right", "mean score, wrong",
)  # fmt: skip


@command(
    "testtime score",
    example="isoflop testtime score drawn --reward rm=http://127.0.0.1:8000/score",
    minutes=True,
)
def score(
    bank: Annotated[str, Option("a bank of samples that hold their texts", "BANK")],
    *,
    reward: asked.Reward = None,
    check: asked.Check = None,
    time_limit: asked.TimeLimit = 10.0,
    strategy: Strategy = None,
    lineage: Lineage = None,
    task: Annotated[
        str | None,
        Option("where texts of problems come from that the bank does not hold", "FILE"),
    ] = None,
    columns: asked.Columns = None,
    batch: Annotated[int, Option("samples judged at a time")] = 32,
) -> Report:
    """Score samples that a bank holds already by further verifiers.

    --check grades those that nobody graded. What has a verdict keeps it. Verdicts are kept a batch
    at a time: killed anywhere, the same command goes on. What a verifier gives no number for is
    counted, left out of its curves, and asked for again. A scorer over HTTP is sent
    {"prompts": [...], "responses": [...]} and answers {"scores": [...]}. --check runs a program of
    yours on what a model wrote: that is no sandbox.
    """
    from isoflop.samples.bank import Bank, chosen_group
    from isoflop.samples.sample_table import SCORE

    found = Bank.open(bank)
    own = chosen_group(found.kinds(), strategy, lineage, bank)
    problems = _problems(found, own[1], task, columns)
    asks = _asks(check, time_limit, reward or {})
    made = [_judged(found, name, ask, problems, own, batch) for name, ask in asks.items()]
    rows = tuple(_row(found, own, one) for one in made)
    data = {
        "bank": bank, "strategy": own[0], "lineage": own[1],
        "verdicts": [_data(one, row) for one, row in zip(made, rows, strict=True)],
    }  # fmt: skip
    notes: list[Block] = [
        Note(
            f"{amount(count, 'sample has', 'samples have')} no {one.column.removeprefix(SCORE)}: "
            f"{why}",
            "doubt",
        )
        for one in made
        for why, count in one.owed.items()
    ]
    table = Table(COLUMNS, rows, f"Samples of {own[0]}, {own[1] or 'without a lineage'}.")
    last = Paragraph(f"'isoflop testtime curves {bank}' tells what each verifier is worth.")
    return Report(
        f"Verdicts on {amount(made[0].total, 'sample', 'samples')}", (*notes, table, last), data
    )


def _asks(check: str | None, seconds: float, rewards: Mapping[str, str]) -> dict[str, Ask]:
    """Return who is asked for each column of verdicts.

    Raises UsageError where nobody is.
    """
    from isoflop.experiments.backends.program import program
    from isoflop.experiments.backends.rejudging import by_program, by_scorer
    from isoflop.samples.sample_table import SCORE

    asks = {SCORE + name: by_scorer(name, asked.scorer(text)) for name, text in rewards.items()}
    if check:
        asks["correct"] = by_program(program(check, seconds))
    if not asks:
        raise UsageError("nobody is to judge: say --reward NAME=MODEL, or --check PROGRAM")
    return asks


def _problems(
    bank: Bank, lineage: str, task: str | None, columns: Mapping[str, str] | None
) -> Mapping[str, Problem]:
    """Return the problems by name, of a file if one is given.

    Raises UsageError where nobody knows them.
    """
    from isoflop.experiments.backends.filling import problems_of
    from isoflop.experiments.backends.problems import exercise

    known = problems_of(bank, lineage)
    if task is not None:
        known |= {p.name: p for p in exercise(task, None, 0, columns).problems}
    if not known:
        raise UsageError(
            "the bank does not hold the texts of its problems; give them by --task FILE.jsonl, "
            "with the id of each"
        )
    return known


def _judged(
    bank: Bank, column: str, ask: Ask, problems: Mapping[str, Problem], own: Sequence[str],
    batch: int,
) -> Judging:  # fmt: skip
    from isoflop.experiments.backends.rejudging import judge_again
    from isoflop.experiments.display import shown

    with shown(column, _sentence) as watch:
        return judge_again(
            bank, column, ask, problems, strategy=own[0], lineage=own[1], batch=batch, watch=watch
        )


def _sentence(judging: Judging) -> str:
    """Return how far the verdicts are, in a few words."""
    from isoflop.experiments.display import duration

    rate = judging.new / judging.seconds if judging.seconds > 0 else 0.0
    parts = [f"{judging.done:,}/{judging.total:,} samples"]
    if rate:
        left = duration((judging.total - judging.done) / rate)
        parts += [f"{rate:.3g} a second", f"{left} to go"]
    if judging.owed:
        parts.append(f"{judging.owed.total():,} without a verdict")
    return ", ".join(parts)


def _row(bank: Bank, own: Sequence[str], made: Judging) -> tuple[Cell, ...]:
    from isoflop.samples.sample_table import SCORE

    name = made.column.removeprefix(SCORE)
    means: tuple[float | None, ...] = (None, None)
    if made.column.startswith(SCORE) and made.new + made.had:
        means = _means(bank, own, name)
    return (name, made.new, made.had, made.owed.total(), *means)


def _means(bank: Bank, own: Sequence[str], verifier: str) -> tuple[float | None, ...]:
    """Return the mean scores of right and of wrong answers, None where there are none."""
    from isoflop.errors import RefusedByData

    try:
        samples = bank.load(own[0], own[1], (verifier,))
    except RefusedByData:  # nobody graded them
        return None, None
    scores = samples.scores[verifier]
    parts = (scores[samples.correct & np.isfinite(scores)],
             scores[~samples.correct & np.isfinite(scores)])  # fmt: skip
    return tuple(float(part.mean()) if part.size else None for part in parts)


def _data(made: Judging, row: Sequence[Cell]) -> dict[str, Any]:
    return {
        "verdict": row[0], "new": made.new, "had": made.had, "without": dict(made.owed),
        "seconds": made.seconds, "mean of right": row[-2], "mean of wrong": row[-1],
    }  # fmt: skip
