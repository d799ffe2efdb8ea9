"""What a table of runs says against itself, by row: same runs apart, losses that rise, one line."""

from __future__ import annotations

import numpy as np

from isoflop.errors import CannotFit, Note
from isoflop.fitting.support import LINE, across
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows
from isoflop.runs.consistency import WORSE, above_smaller, apart, no_better


def doubts(runs: Runs, predicts: str = "L") -> tuple[Note, ...]:
    """Return what in these runs speaks against any law, in words that name rows.

    Raises CannotFit if the loss rises with scale throughout.
    """
    runs.refuse_implausible()
    implausible = runs.doubts_of(("N", "D", "C", predicts))
    if not {"N", "D", predicts} <= set(runs.columns):
        return implausible
    runs.require(("N", "D", predicts))
    _refuse_rising(runs, predicts)
    messages = (_apart(runs, predicts), _rises(runs, predicts), _line(runs))
    return (*implausible, *filter(None, messages))


def _refuse_rising(runs: Runs, predicts: str) -> None:
    scale = np.log(runs["N"] * runs["D"])
    if len(runs) < 4 or np.ptp(scale) == 0 or np.ptp(runs[predicts]) == 0:
        return
    if no_better(scale, runs[predicts]).any():
        order = runs.rows[np.argsort(scale)[-3:]]
        raise CannotFit(
            f"{predicts} rises with scale: the largest runs, {name_rows(np.sort(order))}, are "
            "among the worst; no law here does that: check the column, its unit and its sign"
        )


def _apart(runs: Runs, predicts: str) -> Note | None:
    """Return what to say of runs of the same N and D with different outcomes."""
    y = runs[predicts]
    groups = apart(np.stack([runs["N"], runs["D"]]), y)
    if not groups:
        return None
    worst = max(groups, key=lambda mask: float(y[mask].max() / y[mask].min()))
    spread = float(y[worst].max() / y[worst].min() - 1)
    return Note(
        "doubt",
        "contradiction",
        f"{sum(int(mask.sum()) for mask in groups)} runs share their N and D with another and "
        f"differ in {predicts}, most of all {name_rows(runs.rows[worst])} (by {spread:.2%}): "
        "seeds do that by little; if something else was varied, keep one setting",
        rows=tuple(runs.rows[worst].tolist()),
    )


def _rises(runs: Runs, predicts: str) -> Note | None:
    """Return what to say of runs that are worse than another that is smaller in all respects."""
    bad = above_smaller(runs["N"], runs["D"], runs[predicts])
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


def _line(runs: Runs) -> Note | None:
    logs = np.log(np.stack([runs["N"], runs["D"]]))
    if len(runs) < 4 or not np.ptp(logs, axis=1).all():
        return None
    if across(logs)[1] > np.log(LINE):
        return None
    return Note(
        "doubt",
        "one-line",
        "all runs lie on one line of N and D, so they cannot tell what N does from what D does; "
        "forecasts off that line, and best splits, are not backed by them",
    )
