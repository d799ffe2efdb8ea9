"""What k samples solve, by every way of choosing among them, from one bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop import errors
from isoflop.arrays import Numbers
from isoflop.errors import Notes, amount, texts
from isoflop.pages.testtime_strategies import BudgetControl, Ran, tables
from isoflop.pages.testtime_strategies import as_data as strategies_as_data
from isoflop.report import Block, Cell, Report, Table, note_blocks
from isoflop.samples.cost_axis import CostAxis

if TYPE_CHECKING:
    from isoflop.plan.sampling.prices import Prices
    from isoflop.samples.curves import SampleCurve
    from isoflop.samples.tallies import Tally


SHOWN = 12  # values of k in the table; the data hold all


def along_of(
    samples: Tally, curves: Sequence[SampleCurve], over: str, prices: Prices | None
) -> tuple[CostAxis, Notes]:
    """Return what the points of curves cost, and what of it is not counted."""
    from isoflop.plan.sampling.prices import cost_of, uncounted, unit_of

    unit = unit_of(samples, over, prices)
    cost: dict[str, Numbers] = {}
    for c in curves:
        subset = samples if c.verifier is None else samples.of(c.verifier)[0]
        each = [cost_of(subset, k, unit, c.verifier is not None and k > 1, prices) for k in c.k]
        cost[c.name] = np.array([e.mean() for e in each])
    return CostAxis(unit, cost), uncounted(samples, unit, any(c.verifier for c in curves))


def report(
    curves: Sequence[SampleCurve],
    axis: CostAxis,
    rans: Sequence[Ran],
    measured: Sequence[BudgetControl],
    notes: Notes,
    level: float,
) -> Report:
    """Return every curve of a bank over what its samples cost."""
    from isoflop.pages.coverage_figures import over_cost, straightness
    from isoflop.plan.sampling.prices import UNITS

    coverage = curves[0]
    problems = len(coverage.each)
    remarks = [*notes, *(n for c in curves for n in c.notes)]
    if problems < 30:
        few = amount(problems, "problem", "problems")
        remarks.append(
            errors.Note("doubt", "few-problems", f"{few}: intervals are wide, and their ends rough")
        )
    remarks = list(dict.fromkeys(remarks))
    unit = UNITS[axis.unit]
    blocks: list[Block] = [
        *note_blocks(remarks),
        _table(curves, axis, unit, level),
        *tables(rans, measured, unit, level),
        over_cost(curves, axis, rans, level),
        straightness(coverage),
    ]
    data: dict[str, Any] = {
        "problems": problems,
        "level": level,
        "notes": texts(remarks),
        "over": axis.unit,
        "curves": {c.name: {**as_data(c), "cost": axis.of(c).tolist()} for c in curves},
        **strategies_as_data(rans, measured),
    }
    most = amount(int(coverage.k[-1]), "sample", "samples")
    title = f"{amount(problems, 'problem', 'problems')}, and what up to {most} of each bring"
    return Report(title, tuple(blocks), data)


def as_data(curve: SampleCurve) -> dict[str, Any]:
    """Return a curve as JSON: an interval that does not exist is null."""
    ends = [[None if not np.isfinite(v) else float(v) for v in e] for e in (curve.low, curve.high)]
    return {
        "k": curve.k.tolist(),
        "value": curve.value.tolist(),
        "low": ends[0],
        "high": ends[1],
        "exact": curve.exact.tolist(),
    }


def _table(curves: Sequence[SampleCurve], axis: CostAxis, unit: str, level: float) -> Table:
    k = curves[0].k
    budgets = k[np.unique(np.linspace(0, k.size - 1, SHOWN).round().astype(int))]
    costs = _costs(curves, axis, unit)
    rows: list[tuple[Cell, ...]] = []
    for value in budgets:
        row: list[Cell] = [int(value)]
        row += [next((float(x) for x in axis.of(c)[c.k == value]), None) for c in costs.values()]
        for c in curves:
            at = np.flatnonzero(c.k == value)
            row.append(_cell(c, int(at[0])) if at.size else None)
        rows.append(tuple(row))
    return Table(
        ("k", *costs, *(c.name for c in curves)),
        tuple(rows),
        f"Shares of problems with {level:.0%} intervals. ~ marks means over draws; all others are "
        "exact means over all subsets of k samples.",
    )


def _costs(curves: Sequence[SampleCurve], axis: CostAxis, unit: str) -> Mapping[str, SampleCurve]:
    """Return a curve for each column of costs: with a verifier they may differ."""
    if axis.unit == "samples":
        return {}
    verified = next((c for c in curves if c.verifier), None)
    columns = {f"cost [{unit}]": curves[0]}
    if verified is not None and not np.array_equal(axis.of(verified), axis.of(curves[0])):
        columns[f"with verifier [{unit}]"] = verified
    return columns


def _cell(curve: SampleCurve, i: int) -> str:
    mark = "" if curve.exact[i] else "~"
    if not np.isfinite(curve.low[i]):
        return f"{mark}{curve.value[i]:.3f}"
    return f"{mark}{curve.value[i]:.3f} ({curve.low[i]:.3f} to {curve.high[i]:.3f})"
