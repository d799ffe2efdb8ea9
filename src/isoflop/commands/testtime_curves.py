"""testtime curves: what k samples solve, by every way of choosing among them, from one bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime_reading import (
    BankSource,
    Draws,
    Fields,
    Level,
    Lineage,
    Seed,
    Strategy,
    opened,
)
from isoflop.quantities import parse
from isoflop.report import Block, Cell, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.samples.curves import Curve

SHOWN = 12  # values of k in the table; the data hold all

Counts_ = Annotated[tuple[str, ...], Option("samples per problem to look at, such as 100", "K")]


@command("testtime curves", example="isoflop testtime curves sample:bank --k 1 --k 8 --k 64")
def testtime_curves(
    bank: BankSource,
    *,
    k: Counts_ = (),
    verifier: Annotated[tuple[str, ...], Option("of these verifiers alone", "NAME")] = (),
    strategy: Strategy = None,
    lineage: Lineage = None,
    columns: Fields = None,
    draws: Draws = 1000,
    level: Level = 0.9,
    seed: Seed = 0,
) -> Report:
    """Draw coverage, majority, best of k and weighted votes over k.

    Every k is estimated from all samples, without bias: coverage and best of k exactly, votes
    exactly for few samples and by draws without replacement for more. Intervals draw problems
    anew. Samples without an answer do not vote, and answers that tie share the win.
    """
    from isoflop.samples.curves import coverage_curve, curves

    found = opened(bank, strategy, lineage, columns)
    asked = sorted({parse(text, "--k") for text in k}) or None
    if found.held is None:
        made: tuple[Curve, ...] = (
            coverage_curve(found.counts(), asked, draws=draws, level=level, seed=seed),
        )
        notes = found.notes
    else:
        samples = found.samples(verifier or None, answers=True)
        silent = samples.answer is not None and bool((samples.answer < 0).all())
        if silent:
            samples = found.samples(verifier or None, answers=False)
        made = curves(samples, asked, draws=draws, level=level, seed=seed)
        said = ("no sample has an answer, so nothing can be voted on",) if silent else ()
        notes = (*found.notes, *samples.notes, *said)
    return _report(made, notes, level)


def _report(made: tuple[Curve, ...], notes: tuple[str, ...], level: float) -> Report:
    from isoflop.commands.testtime_pictures import over_k, straightness

    coverage = made[0]
    problems = len(coverage.each)
    said = [*notes, *(n for c in made for n in c.notes)]
    if problems < 30:
        said.append(f"{problems} problems: intervals are wide, and their ends rough")
    blocks: list[Block] = [
        *(Note(text, "doubt") for text in dict.fromkeys(said)),
        _table(made, level),
        over_k(made, level),
        straightness(coverage),
    ]
    data: dict[str, Any] = {
        "problems": problems, "level": level, "notes": list(dict.fromkeys(said)),
        "curves": {c.name: as_data(c) for c in made},
    }  # fmt: skip
    return Report(f"{problems:,} problems, up to {coverage.k[-1]:g} samples of each",
                  tuple(blocks), data)  # fmt: skip


def as_data(curve: Curve) -> dict[str, Any]:
    """Return a curve as JSON: an interval that does not exist is null."""
    ends = [[None if not np.isfinite(v) else float(v) for v in e] for e in (curve.low, curve.high)]
    return {
        "k": curve.k.tolist(), "value": curve.value.tolist(), "low": ends[0], "high": ends[1],
        "exact": curve.exact.tolist(),
    }  # fmt: skip


def _table(made: tuple[Curve, ...], level: float) -> Table:
    k = made[0].k
    shown = k[np.unique(np.linspace(0, k.size - 1, SHOWN).round().astype(int))]
    rows: list[tuple[Cell, ...]] = []
    for value in shown:
        row: list[Cell] = [int(value)]
        for c in made:
            at = np.flatnonzero(c.k == value)
            row.append(_cell(c, int(at[0])) if at.size else None)
        rows.append(tuple(row))
    return Table(
        ("k", *(c.name for c in made)), tuple(rows),
        f"Shares of problems with {level:.0%} intervals. ~ marks means over draws; all others are "
        "exact means over all subsets of k samples.",
    )  # fmt: skip


def _cell(curve: Curve, i: int) -> str:
    mark = "" if curve.exact[i] else "~"
    if not np.isfinite(curve.low[i]):
        return f"{mark}{curve.value[i]:.3f}"
    return f"{mark}{curve.value[i]:.3f} ({curve.low[i]:.3f} to {curve.high[i]:.3f})"
