"""What k samples solve, by every way of choosing among them, from one bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isoflop import errors
from isoflop.errors import amount, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate
from isoflop.pages.testtime_strategies import as_data as strategies_as_data
from isoflop.pages.testtime_strategies import tables
from isoflop.plan.sampling.bank_curves import BankCurves
from isoflop.plan.sampling.prices import UNITS
from isoflop.report import Block, Cell, Report, Table, note_blocks
from isoflop.samples.cost_axis import CostAxis
from isoflop.samples.curves import SampleCurve

FEW = 4  # curves that the first sentence speaks of
SHOWN = 12  # values of k in the table; the data hold all


@shows(BankCurves)
def page_of(result: BankCurves) -> Report:
    """Return every curve of a bank over what its samples cost."""
    from isoflop.pages.coverage_figures import over_cost, straightness

    curves, axis, level = result.curves, result.axis, result.level
    strategies, controls = result.strategies, result.controls
    coverage = curves[0]
    problems = len(coverage.each)
    notes = [*result.notes, *(n for c in curves for n in c.notes)]
    if problems < 30:
        few = amount(problems, "problem", "problems")
        notes.append(
            errors.Note("doubt", "few-problems", f"{few}: intervals are wide, and their ends rough")
        )
    notes = list(dict.fromkeys(notes))
    unit = UNITS[axis.unit]
    blocks: list[Block] = [
        *note_blocks(notes),
        _table(curves, axis, unit, level),
        *tables(strategies, controls, unit, level),
        over_cost(curves, axis, strategies, level),
        straightness(coverage),
    ]
    data: dict[str, Any] = {
        "problems": problems,
        "level": level,
        "notes": texts(notes),
        "over": axis.unit,
        "curves": {c.name: {**as_data(c), "cost": axis.of(c).tolist()} for c in curves},
        **strategies_as_data(strategies, controls),
    }
    most = amount(int(coverage.k[-1]), "sample", "samples")
    title = f"{amount(problems, 'problem', 'problems')}, and what up to {most} of each bring"
    return Report(title, tuple(blocks), data, answer=answered(_answer(curves), blocks))


def _answer(curves: Sequence[SampleCurve]) -> str:
    """Return what the most samples solve, by each way of choosing."""
    k = int(curves[0].k[-1])
    ends = (f"{c.name} {_end(c)}" for c in curves[:FEW])
    return f"Of {amount(k, 'sample', 'samples')} a problem: {', '.join(ends)}"


def _end(curve: SampleCurve) -> str:
    return estimate(*(float(ends[-1]) for ends in (curve.value, curve.low, curve.high)))


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
