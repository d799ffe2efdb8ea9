"""What a table of runs says against itself, by row: same runs apart, losses that rise, one line."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, Note
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows

LARGER = 2.0  # times the compute that makes a run larger than another
WORSE = 1.02  # times the loss that is more than luck
ON_A_LINE = 0.995  # of the variance of log D that log N explains


def doubts(runs: Runs, predicts: str = "L") -> tuple[Note, ...]:
    """Return what in these runs speaks against any law, in words that name rows.

    Raises CannotFit if the loss rises with scale throughout.
    """
    runs.refuse_implausible()
    implausible = runs.doubts_of(("N", "D", "C", predicts))
    if not {"N", "D", predicts} <= set(runs.columns):
        return implausible
    runs.require(("N", "D", predicts))
    N, D, y = np.log(runs["N"]), np.log(runs["D"]), runs[predicts]
    _refuse_rising(N + D, y, predicts, runs)
    messages = (_apart(N, D, y, predicts, runs), _rises(N, D, y, predicts, runs), _line(N, D))
    return (*implausible, *filter(None, messages))


def _refuse_rising(scale: Numbers, y: Numbers, predicts: str, runs: Runs) -> None:
    if len(runs) < 4 or np.ptp(scale) == 0 or np.ptp(y) == 0:
        return
    by_scale, by_output = (np.argsort(np.argsort(v)).astype(float) for v in (scale, y))
    if np.corrcoef(by_scale, by_output)[0, 1] > 0.5:
        order = runs.rows[np.argsort(scale)[-3:]]
        raise CannotFit(
            f"{predicts} rises with scale: the largest runs, {name_rows(np.sort(order))}, are "
            "among the worst; no law here does that: check the column, its unit and its sign"
        )


def _apart(N: Numbers, D: Numbers, y: Numbers, predicts: str, runs: Runs) -> Note | None:
    """Return what to say of runs of the same N and D with different outcomes."""
    places = np.round(np.stack([N, D]), 6)
    _, member, counts = np.unique(places, axis=1, return_inverse=True, return_counts=True)
    member = member.ravel()
    groups = [np.flatnonzero(member == g) for g in np.flatnonzero(counts > 1)]
    apart = [g for g in groups if np.ptp(y[g]) > 0]
    if not apart:
        return None
    worst = max(apart, key=lambda g: float(y[g].max() / y[g].min()))
    spread = float(y[worst].max() / y[worst].min() - 1)
    return Note(
        "doubt",
        "contradiction",
        f"{sum(map(len, apart))} runs share their N and D with another and differ in {predicts}, "
        f"most of all {name_rows(runs.rows[worst])} (by {spread:.2%}): seeds do that by little; "
        "if something else was varied, keep one setting",
        rows=tuple(runs.rows[worst].tolist()),
    )


def _rises(N: Numbers, D: Numbers, y: Numbers, predicts: str, runs: Runs) -> Note | None:
    """Return what to say of runs that are worse than another that is smaller in all respects."""
    larger = (N[:, None] >= N) & (D[:, None] >= D) & ((N + D)[:, None] >= N + D + np.log(LARGER))
    bad = (larger & (y[:, None] > WORSE * y)).any(1)
    if not bad.any():
        return None
    return Note(
        "doubt",
        "rising",
        f"{predicts} rises with scale at {name_rows(runs.rows[bad])}: a run of no more N and D, "
        f"and half the compute or less, is better by more than {WORSE - 1:.0%}; such runs may be "
        "spoilt, or their data repeated",
        rows=tuple(runs.rows[bad].tolist()),
    )


def _line(N: Numbers, D: Numbers) -> Note | None:
    if N.size < 4 or np.ptp(N) == 0 or np.ptp(D) == 0:
        return None
    if np.corrcoef(N, D)[0, 1] ** 2 < ON_A_LINE:
        return None
    return Note(
        "doubt",
        "one-line",
        "all runs lie on one line of N and D, so they cannot tell what N does from what D does; "
        "forecasts off that line, and best splits, are not backed by them",
    )
