"""A law of an optimum, such as the best learning rate, needs optima: each sweep gives one.

A sweep tries one setting over and over at one size and amount of data. Its least loss lies between
the points that were tried, where a parabola of log loss in the log of the setting has its bottom.

Array suffixes: n runs of one sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, Note, amount
from isoflop.law import Binding
from isoflop.quantities import show
from isoflop.runs import Omission, Runs
from isoflop.runs.cells import name_rows

SETTINGS = ("lr", "batch")  # what is swept to find where the loss is least
FEWEST = 3  # values of a setting that show a bottom
NEAR = 0.1  # of log loss above the least, beyond which a run says nothing of the bottom
SURE = 1.645  # standard errors either side of 90%

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class SweepOptimum:
    """The value of a setting at which one sweep has its least loss, with an interval of 90%.

    `rows` are the runs of the sweep, `best` the one of them that came lowest. `fault` says why
    there is no optimum; the numbers are then NaN.
    """

    rows: Rows
    best: int
    value: float
    low: float
    high: float
    loss: float
    fault: str = ""


def optima(runs: Runs, setting: str, by: Sequence[str]) -> tuple[SweepOptimum, ...]:
    """Return the optimum of every sweep of `setting`: of the runs that share all of `by`.

    Where the other setting (a batch beside a rate) was varied too, a sweep is of the value of it
    at which the loss came lowest.

    Raises BadRuns for losses or settings that are missing or not above zero.
    """
    runs.require((setting, "L", *by))
    sweeps = [_at_best_of_others(runs, rows, setting) for rows in _cells(runs, by)]
    curves = [_curve(runs, rows, setting) for rows in sweeps]
    squares = sum(c.squares for c in curves)
    spare = sum(c.spare for c in curves)
    noise = float(np.sqrt(squares / spare)) if spare else 0.0
    return tuple(c.optimum(noise) for c in curves)


def best_of_sweeps(runs: Runs, binding: Binding) -> Runs:
    """Return the optima of sweeps as runs, for a law of a setting; other runs as they are.

    Raises CannotFit where no sweep has its least loss inside.
    """
    setting, by = binding.predicts, tuple(binding.takes)
    if setting not in SETTINGS or "L" in by or not {"L", setting, *by} <= set(runs.columns):
        return runs
    counts = [np.unique(runs[setting][rows]).size for rows in _cells(runs, by)]
    if not counts or np.median(counts) < FEWEST:
        return runs
    every = optima(runs, setting, by)
    able = [o for o in every if not o.fault]
    if not able:
        raise CannotFit(
            f"{len(runs):,} runs are {len(every):,} sweeps of {setting}, and none has its least "
            f"loss inside: {every[0].fault}; sweep {setting} further"
        )
    return _as_runs(runs, setting, by, able, _note(runs, setting, every))


def _cells(runs: Runs, by: Sequence[str]) -> list[Rows]:
    """Return the rows of each group that shares the values of some columns."""
    keys = np.stack([runs[s] for s in by]) if by else np.zeros((1, len(runs)))
    member = np.unique(keys, axis=1, return_inverse=True)[1].reshape(-1)
    order = np.argsort(member, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(member[order])) + 1)


def _at_best_of_others(runs: Runs, rows: Rows, setting: str) -> Rows:
    """Return the rows of a group at the value of the other setting that came lowest."""
    for other in SETTINGS:
        if other != setting and other in runs and np.isfinite(runs[other][rows]).all():
            best = rows[int(np.argmin(runs["L"][rows]))]
            rows = rows[runs[other][rows] == runs[other][best]]
    return rows


@dataclass(frozen=True, eq=False)
class _SweepCurve:
    """A parabola through a sweep: its three terms, with the covariance for noise of one."""

    rows: Rows
    best: int
    centre: float
    terms: Numbers
    covariance: Numbers
    ends: tuple[float, float]
    squares: float
    spare: int
    fault: str = ""

    def optimum(self, noise: float) -> SweepOptimum:
        """Return the bottom, with an interval, for losses of which the log has this noise."""
        nothing = float("nan")
        if self.fault:
            numbers = (nothing,) * 4
            return SweepOptimum(self.rows, self.best, *numbers, fault=self.fault)
        c, b, a = self.terms
        away = -b / (2 * a)
        slope = np.array([0.0, -1 / (2 * a), b / (2 * a**2)])
        error = SURE * noise * float(np.sqrt(max(slope @ self.covariance @ slope, 0.0)))
        value, low, high = (float(np.exp(self.centre + away + k * error)) for k in (0, -1, 1))
        loss = float(np.exp(c + b * away + a * away**2))
        return SweepOptimum(self.rows, self.best, value, low, high, loss)


def _curve(runs: Runs, rows: Rows, setting: str) -> _SweepCurve:
    """Return the parabola through the runs of a sweep that came near its least loss."""
    x_n, y_n = np.log(runs[setting][rows]), np.log(runs["L"][rows])
    least = int(np.argmin(y_n))
    near = np.flatnonzero(y_n <= y_n[least] + NEAR)
    if np.unique(x_n[near]).size < FEWEST:
        near = np.argsort(np.abs(x_n - x_n[least]), kind="stable")[: FEWEST + 2]
    x_n, y_n = x_n[near], y_n[near]
    ends, centre = (float(x_n.min()), float(x_n.max())), float(x_n.mean())
    basis = (x_n - centre)[:, None] ** np.arange(3)
    terms = np.asarray(np.linalg.lstsq(basis, y_n, rcond=None)[0], np.float64)
    away = y_n - basis @ terms
    return _SweepCurve(
        rows=rows,
        best=int(rows[least]),
        centre=centre,
        terms=terms,
        covariance=np.asarray(np.linalg.pinv(basis.T @ basis), np.float64),
        ends=ends,
        squares=float(away @ away),
        spare=max(np.unique(x_n).size - 3, 0),
        fault=_fault(setting, terms, centre, ends, np.unique(x_n).size),
    )


def _fault(
    setting: str, terms: Numbers, centre: float, ends: tuple[float, float], count: int
) -> str:
    """Return why a parabola shows no optimum; "" where it does."""
    if count < FEWEST:
        return f"{amount(count, 'value', 'values')} of {setting} where {FEWEST} are needed"
    if terms[2] <= 0:
        return "the loss does not bend upwards"
    bottom = centre - terms[1] / (2 * terms[2])
    if ends[0] <= bottom <= ends[1]:
        return ""
    name, end = ("smallest", ends[0]) if bottom < ends[0] else ("largest", ends[1])
    return f"the loss is least at the {name} {setting}, {show(float(np.exp(end)))}"


def _note(runs: Runs, setting: str, every: Sequence[SweepOptimum]) -> Note:
    able = [o for o in every if not o.fault]
    half = float(np.median([(o.high - o.low) / (2 * o.value) for o in able]))
    text = (
        f"{len(runs):,} runs are {len(every):,} sweeps of {setting}: the best {setting} of each is "
        f"fitted, by a parabola of its losses, known to within {half:.1%} (90%, the middle sweep)"
    )
    faulty = [o for o in every if o.fault]
    if not faulty:
        return Note("info", "sweep", text)
    rows = np.sort(runs.rows[[o.best for o in faulty]])
    text += f"; {len(faulty):,} are left out: {faulty[0].fault} (at {name_rows(rows)})"
    kind = "doubt" if 2 * len(faulty) > len(every) else "info"
    return Note(kind, "sweep", text, tuple(rows.tolist()))  # type: ignore[arg-type]


def _as_runs(
    runs: Runs, setting: str, by: Sequence[str], able: Sequence[SweepOptimum], note: Note
) -> Runs:
    """Return optima as a table of runs, each under the row of its best run."""
    best = np.array([o.best for o in able])
    others = np.setdiff1d(np.arange(len(runs)), best)
    table = runs.select(best)
    columns = {s: table[s] for s in by}
    columns |= {setting: np.array([o.value for o in able]), "L": np.array([o.loss for o in able])}
    reason = f"not the best {setting} of its sweep"
    omission = Omission(tuple(runs.rows[others].tolist()), reason)
    return replace(
        table,
        columns=columns,
        labels={k: v for k, v in table.labels.items() if k == "family"},
        notes=(note, *runs.notes),
        dropped=(*runs.dropped, omission),
    )
