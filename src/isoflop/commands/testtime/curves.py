"""testtime curves: what k samples solve, by every way of choosing among them, from one bank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import (
    BankSource,
    Draws,
    Fields,
    Level,
    Lineage,
    PriceIn,
    PriceOut,
    Seed,
    Strategy,
    prices_of,
)
from isoflop.errors import UsageError
from isoflop.pages.progress import progress
from isoflop.pages.testtime_curves import CostAxis, along_of, report
from isoflop.pages.testtime_strategies import Ran, beside, forced, ran
from isoflop.quantities import parse
from isoflop.report import Report
from isoflop.sources.open_samples import opened
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


@command("testtime curves", example="isoflop testtime curves sample:bank --k 1 --k 8 --k 64")
def testtime_curves(
    bank: BankSource,
    *,
    k: Counts_ = (),
    over: Over = "samples",
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    verifier: Annotated[tuple[str, ...], Option("of these verifiers alone", "NAME")] = (),
    strategy: Strategy = None,
    lineage: Lineage = None,
    columns: Fields = None,
    answer_tokens: AnswerTokens = 0,
    points: Points = None,
    draws: Draws = 1000,
    level: Level = 0.9,
    seed: Seed = 0,
) -> Report:
    """Draw coverage, majority, best of k and weighted votes over k.

    Every k is estimated from all samples, without bias: coverage and best of k exactly, votes
    exactly for few samples and by draws without replacement for more. Intervals draw problems
    anew. Samples without an answer do not vote, and answers that tie share the win. Strategies
    that were run on the same problems stand beside them, and forced budgets with s1's measures.
    """
    from isoflop.samples.curves import coverage_curve, curves

    source = opened(bank, strategy, lineage, columns)
    prices = prices_of(price_in, price_out)
    unit = "dollars" if prices and over == "samples" else over
    ks = sorted({parse(text, "--k") for text in k}) or None
    settings: dict[str, Any] = {"draws": draws, "level": level, "seed": seed}
    if source.held is None:
        if unit != "samples" or points or verifier:
            raise UsageError("counts state no cost, no tokens and no scores; give the samples")
        alone = coverage_curve(source.counts(), ks, **settings)
        return report((alone,), CostAxis(unit, {}), (), (), source.notes, level)
    samples = source.blocks(verifier or None)
    with progress("drawing the curves") as watch:
        sample_curves = curves(samples, ks, watch=watch, **settings)
    axis, remarks = along_of(samples.tally, sample_curves, unit, prices)
    others = beside(source, samples.tally.problems)
    rows = ran(source, others, axis.unit, prices, answer_tokens, **settings)
    measured = forced(rows, **settings)
    if answer_tokens and not measured:
        raise UsageError("--answer-tokens is of forced budgets, and none was run on these problems")
    if points:
        _write(rows, points)
    notes = (*source.notes, *samples.tally.notes, *remarks, *others.notes)
    return report(sample_curves, axis, rows, measured, notes, level)


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
