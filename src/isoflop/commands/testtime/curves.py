"""testtime curves: what k samples solve, by every way of choosing among them, from one bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import (
    BankOptions,
    BankSource,
    PriceOptions,
    prices_of,
)
from isoflop.errors import UsageError
from isoflop.pages.progress import progress
from isoflop.pages.testtime_curves import along_of, report
from isoflop.pages.testtime_strategies import Ran, beside, forced, ran
from isoflop.quantities import parse
from isoflop.report import Report
from isoflop.samples.cost_axis import CostAxis
from isoflop.terminal import say

if TYPE_CHECKING:
    pass


Counts_ = Annotated[tuple[str, ...], Option("samples per problem to look at, such as 100", "K")]
Over = Annotated[
    Literal["samples", "flop", "tokens", "seconds", "dollars"],
    Option("what the samples of a problem are counted in, along the axis and in the table"),
]
AnswerTokens = Annotated[
    int, Option("tokens that a forced answer takes beyond its budget, for s1's control")
]
Points = Annotated[str | None, Option("write the strategies as runs of thinking and R", "CSV")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisOptions:
    """What the curves are of, and along what."""

    k: Counts_ = ()
    over: Over = "samples"
    verifier: Annotated[tuple[str, ...], Option("of these verifiers alone", "NAME")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingOptions:
    """What forced budgets count, and where they are written."""

    answer_tokens: AnswerTokens = 0
    points: Points = None


@command("testtime curves", example="isoflop testtime curves sample:bank --k 1 --k 8 --k 64")
def testtime_curves(
    bank: BankSource,
    *,
    axis: AxisOptions = AxisOptions(),
    price: PriceOptions = PriceOptions(),
    which: BankOptions = BankOptions(),
    thinking: ThinkingOptions = ThinkingOptions(),
    interval: IntervalOptions = IntervalOptions(),
) -> Report:
    """Draw coverage, majority, best of k and weighted votes over k.

    Every k is estimated from all samples, without bias: coverage and best of k exactly, votes
    exactly for few samples and by draws without replacement for more. Intervals draw problems
    anew. Samples without an answer do not vote, and answers that tie share the win. Strategies
    that were run on the same problems stand beside them, and forced budgets with s1's measures.
    """
    from isoflop.samples.curves import coverage_curve, curves

    source = which.read(bank)
    prices = prices_of(price.price_in, price.price_out)
    unit = "dollars" if prices and axis.over == "samples" else axis.over
    ks = sorted({parse(text, "--k") for text in axis.k}) or None
    settings: dict[str, Any] = {
        "draws": interval.draws,
        "level": interval.level,
        "seed": interval.seed,
    }
    if source.bank is None:
        if unit != "samples" or thinking.points or axis.verifier:
            raise UsageError("counts state no cost, no tokens and no scores; give the samples")
        alone = coverage_curve(source.counts(), ks, **settings)
        return report((alone,), CostAxis(unit, {}), (), (), source.notes, interval.level)
    samples = source.blocks(axis.verifier or None)
    with progress("drawing the curves") as watch:
        sample_curves = curves(samples, ks, watch=watch, **settings)
    costs, remarks = along_of(samples.tally, sample_curves, unit, prices)
    others = beside(source, samples.tally.problems)
    rows = ran(source, others, costs.unit, prices, thinking.answer_tokens, **settings)
    measured = forced(rows, **settings)
    if thinking.answer_tokens and not measured:
        raise UsageError("--answer-tokens is of forced budgets, and none was run on these problems")
    if thinking.points:
        _write(rows, thinking.points)
    notes = (*source.notes, *samples.tally.notes, *remarks, *others.notes)
    return report(sample_curves, costs, rows, measured, notes, interval.level)


def _write(rans: Sequence[Ran], path: str) -> None:
    """Write the score of every strategy over its tokens, as runs that laws are fitted to."""
    import csv
    import io
    from pathlib import Path

    from isoflop.runs.spreadsheet import quoted
    from isoflop.store import write_atomically

    priced = [r for r in rans if r.tokens]
    if not priced:
        raise UsageError("there are no strategies that state their tokens, so no points to write")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("run", "family", "thinking", "R"))
    rows.writerows(
        (quoted(r.name), quoted(r.settings), f"{r.tokens:.8g}", f"{r.score:.8g}") for r in priced
    )
    write_atomically(Path(path), lambda file: file.write(text.getvalue().encode()))
    say(f"wrote {path}")
