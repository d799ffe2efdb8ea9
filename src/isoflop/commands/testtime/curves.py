"""testtime curves: what k samples solve, by every way of choosing among them, from one bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import numpy.typing as npt

from isoflop.commands.progress import progress
from isoflop.commands.registry import Option, command, say
from isoflop.commands.testtime.reading import (
    BankSource,
    Draws,
    Fields,
    Level,
    Lineage,
    PriceIn,
    PriceOut,
    Seed,
    Strategy,
    opened,
    prices_of,
)
from isoflop.commands.testtime.strategies import Forced, Ran, beside, forced, ran, tables
from isoflop.commands.testtime.strategies import as_data as strategies_as_data
from isoflop.errors import UsageError, amount
from isoflop.quantities import parse
from isoflop.report import Block, Cell, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.plan.sampling_prices import Prices
    from isoflop.samples.curves import Curve
    from isoflop.samples.tallies import Tally

Numbers = npt.NDArray[np.float64]

SHOWN = 12  # values of k in the table; the data hold all

Counts_ = Annotated[tuple[str, ...], Option("samples per problem to look at, such as 100", "K")]
Over = Annotated[
    Literal["samples", "flop", "tokens", "seconds", "dollars"],
    Option("what the samples of a problem are counted in, along the axis and in the table"),
]
AnswerTokens = Annotated[
    int, Option("tokens that a forced answer takes beyond its budget, for s1's control")
]
Points = Annotated[str | None, Option("write the strategies as runs of thinking and R", "CSV")]


@dataclass(frozen=True)
class Along:
    """What the samples of a problem cost in a unit: of each curve (g,), the mean over problems."""

    unit: str
    cost: Mapping[str, Numbers]

    def of(self, curve: Curve) -> Numbers:
        """Return where the points of a curve lie (g,)."""
        return self.cost.get(curve.name, curve.k)


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

    found = opened(bank, strategy, lineage, columns)
    prices = prices_of(price_in, price_out)
    unit = "dollars" if prices and over == "samples" else over
    asked = sorted({parse(text, "--k") for text in k}) or None
    settings: dict[str, Any] = {"draws": draws, "level": level, "seed": seed}
    if found.held is None:
        if unit != "samples" or points or verifier:
            raise UsageError("counts state no cost, no tokens and no scores; give the samples")
        alone = coverage_curve(found.counts(), asked, **settings)
        return _report((alone,), Along(unit, {}), (), (), found.notes, level)
    samples = found.blocks(verifier or None)
    with progress("drawing the curves") as watch:
        made = curves(samples, asked, watch=watch, **settings)
    along, said = _along(samples.tally, made, unit, prices)
    others = beside(found, samples.tally.problems)
    tried = ran(found, others, along.unit, prices, answer_tokens, **settings)
    measured = forced(tried, **settings)
    if answer_tokens and not measured:
        raise UsageError("--answer-tokens is of forced budgets, and none was run on these problems")
    if points:
        _write(tried, points)
    notes = (*found.notes, *samples.tally.notes, *said, *others.notes)
    return _report(made, along, tried, measured, notes, level)


def _along(
    samples: Tally, made: Sequence[Curve], over: str, prices: Prices | None
) -> tuple[Along, tuple[str, ...]]:
    """Return what the points of curves cost, and what of it is not counted."""
    from isoflop.plan.sampling_prices import cost_of, uncounted, unit_of

    unit = unit_of(samples, over, prices)
    cost: dict[str, Numbers] = {}
    for c in made:
        own = samples if c.verifier is None else samples.of(c.verifier)[0]
        each = [cost_of(own, k, unit, c.verifier is not None and k > 1, prices) for k in c.k]
        cost[c.name] = np.array([e.mean() for e in each])
    return Along(unit, cost), uncounted(samples, unit, any(c.verifier for c in made))


def _write(tried: Sequence[Ran], path: str) -> None:
    """Write the score of every strategy over its tokens, as runs that laws are fitted to."""
    import csv
    import io
    from pathlib import Path

    from isoflop.runs.spreadsheet import quoted
    from isoflop.store import write_atomically

    known = [r for r in tried if r.tokens]
    if not known:
        raise UsageError("there are no strategies that state their tokens, so no points to write")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("run", "family", "thinking", "R"))
    rows.writerows(
        (quoted(r.name), quoted(r.settings), f"{r.tokens:.8g}", f"{r.score:.8g}") for r in known
    )
    write_atomically(Path(path), lambda file: file.write(text.getvalue().encode()))
    say(f"wrote {path}")


def _report(
    made: Sequence[Curve], along: Along, tried: Sequence[Ran], measured: Sequence[Forced],
    notes: tuple[str, ...], level: float,
) -> Report:  # fmt: skip
    from isoflop.commands.testtime.pictures import over_cost, straightness
    from isoflop.plan.sampling_prices import UNITS

    coverage = made[0]
    problems = len(coverage.each)
    said = [*notes, *(n for c in made for n in c.notes)]
    if problems < 30:
        few = amount(problems, "problem", "problems")
        said.append(f"{few}: intervals are wide, and their ends rough")
    said = list(dict.fromkeys(said))
    unit = UNITS[along.unit]
    blocks: list[Block] = [
        *(Note(text, "doubt") for text in said),
        _table(made, along, unit, level),
        *tables(tried, measured, unit, level),
        over_cost(made, along, tried, level),
        straightness(coverage),
    ]
    data: dict[str, Any] = {
        "problems": problems, "level": level, "notes": said, "over": along.unit,
        "curves": {c.name: {**as_data(c), "cost": along.of(c).tolist()} for c in made},
        **strategies_as_data(tried, measured),
    }  # fmt: skip
    most = amount(int(coverage.k[-1]), "sample", "samples")
    title = f"{amount(problems, 'problem', 'problems')}, and what up to {most} of each bring"
    return Report(title, tuple(blocks), data)


def as_data(curve: Curve) -> dict[str, Any]:
    """Return a curve as JSON: an interval that does not exist is null."""
    ends = [[None if not np.isfinite(v) else float(v) for v in e] for e in (curve.low, curve.high)]
    return {
        "k": curve.k.tolist(), "value": curve.value.tolist(), "low": ends[0], "high": ends[1],
        "exact": curve.exact.tolist(),
    }  # fmt: skip


def _table(made: Sequence[Curve], along: Along, unit: str, level: float) -> Table:
    k = made[0].k
    shown = k[np.unique(np.linspace(0, k.size - 1, SHOWN).round().astype(int))]
    costs = _costs(made, along, unit)
    rows: list[tuple[Cell, ...]] = []
    for value in shown:
        row: list[Cell] = [int(value)]
        row += [next((float(x) for x in along.of(c)[c.k == value]), None) for c in costs.values()]
        for c in made:
            at = np.flatnonzero(c.k == value)
            row.append(_cell(c, int(at[0])) if at.size else None)
        rows.append(tuple(row))
    return Table(
        ("k", *costs, *(c.name for c in made)), tuple(rows),
        f"Shares of problems with {level:.0%} intervals. ~ marks means over draws; all others are "
        "exact means over all subsets of k samples.",
    )  # fmt: skip


def _costs(made: Sequence[Curve], along: Along, unit: str) -> Mapping[str, Curve]:
    """Return a curve for each column of costs: with a verifier they may differ."""
    if along.unit == "samples":
        return {}
    judged = next((c for c in made if c.verifier), None)
    columns = {f"cost [{unit}]": made[0]}
    if judged is not None and not np.array_equal(along.of(judged), along.of(made[0])):
        columns[f"with verifier [{unit}]"] = judged
    return columns


def _cell(curve: Curve, i: int) -> str:
    mark = "" if curve.exact[i] else "~"
    if not np.isfinite(curve.low[i]):
        return f"{mark}{curve.value[i]:.3f}"
    return f"{mark}{curve.value[i]:.3f} ({curve.low[i]:.3f} to {curve.high[i]:.3f})"
