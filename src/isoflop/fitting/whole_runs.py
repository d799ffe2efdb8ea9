"""Rows that are checkpoints of one run: they share its luck, and are not several runs.

A label names the run, or the rows show a trajectory: evenly spaced tokens at one size, as nobody
trains runs, but everybody writes logs. Such rows are resampled, and held out, as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import Note, amount
from isoflop.fitting.resample import Resampling, groups
from isoflop.runs import Runs

ALONG = ("D", "steps", "C", "hours", "rollouts", "x")  # what rises in the course of a run
FEWEST = 8  # evenly spaced rows that show a trajectory where no label names the run
EVEN = 0.8  # of the distances between rows that must be alike
FEW = 10  # runs below which an interval from whole runs is itself hardly known
_SETTINGS = ("N", "lr", "batch", "family", "seed")  # what one run does not change


@dataclass(frozen=True, eq=False)
class WholeRuns:
    """Which run each row (n,) belongs to; `name` is the label or column that tells it."""

    name: str
    members: npt.NDArray[np.int64]
    by_label: bool

    @property
    def count(self) -> int:
        """How many runs there are."""
        return int(np.unique(self.members).size)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a reader must know: that rows are resampled together, and how few runs are left."""
        note = self.note("resampled", "; --cluster says otherwise")
        if self.count >= FEW:
            return (note,)
        few = Note(
            "doubt",
            "whole-runs",
            f"{self.members.size:,} rows are checkpoints of {amount(self.count, 'run', 'runs')} "
            f"({self._sign}), which are few: intervals of whole runs are wide, and themselves "
            "hardly known; add runs",
        )
        return (few, note)

    def note(self, deed: str, rest: str = "") -> Note:
        """Return the remark that whole runs are, for instance, held out."""
        text = (
            f"{self.members.size:,} rows are {amount(self.count, 'run', 'runs')} ({self._sign}): "
            f"whole runs are {deed}, as the points of one share its luck{rest}"
        )
        return Note("info", "whole-runs", text)

    @property
    def _sign(self) -> str:
        """What shows that rows are of one run."""
        return f"label {self.name}" if self.by_label else f"evenly spaced rows of one {self.name}"

    def ends(self, values: Numbers) -> Numbers:
        """Return of each row (n,) the largest value that its run comes to."""
        most = np.full(self.count, -np.inf)
        np.maximum.at(most, self.members, values)
        return np.asarray(most[self.members])


def whole_runs(runs: Runs) -> WholeRuns | None:
    """Return the runs that several rows of a table belong to, None where each row is a run."""
    if not len(runs):
        return None
    return _by_label(runs) or _by_trajectory(runs)


def by_whole_runs(how: Resampling, runs: Runs) -> tuple[Resampling, tuple[Note, ...]]:
    """Return how to resample where nobody says: whole runs, if rows are points of them."""
    if how.cluster or how.stratify or how.kind == "jackknife":
        return how, ()
    groups = whole_runs(runs)
    if groups is None or groups.count < 2:
        return how, ()
    return Resampling(how.kind, None, groups.name), groups.notes


def _by_label(runs: Runs) -> WholeRuns | None:
    labels = runs.labels.get("run")
    if labels is None or (labels == "").any():
        return None
    names, member = np.unique(labels, return_inverse=True)
    if names.size == labels.size:
        return None
    several = _together(member)
    if not all(_is_course(runs, m) for m in several):
        return None
    if _names_a_model(runs) and not any(_is_logged(runs, m) for m in several):
        return None
    return WholeRuns("run", np.asarray(member, np.int64), True)


def _names_a_model(runs: Runs) -> bool:
    """Return whether the label was read from a column that may name a size, and not a run."""
    column = runs.reading.labels.get("run", "run") if runs.reading else "run"
    return "model" in column.lower()


def _together(member: npt.NDArray[np.integer[Any]]) -> list[npt.NDArray[np.intp]]:
    """Return the rows of each group that holds more than one, the groups being numbers (n,)."""
    order = np.argsort(member, kind="stable")
    ends = np.flatnonzero(np.diff(member[order])) + 1
    return [rows for rows in np.split(order, ends) if rows.size > 1]


def _is_course(runs: Runs, rows: npt.NDArray[np.intp]) -> bool:
    """Return whether rows may be points of one run: one size and setting, and something rising."""
    for name in ("N", "lr", "batch"):
        if name in runs and np.ptp(runs[name][rows]) > 1e-6 * abs(float(runs[name][rows].max())):
            return False
    counts = [np.unique(runs[s][rows]).size for s in ALONG if s in runs]
    return bool(counts) and max(counts) == rows.size


def _is_logged(runs: Runs, rows: npt.NDArray[np.intp]) -> bool:
    """Return whether rows look like a log: many of them, or with a step each."""
    return "steps" in runs or (rows.size >= FEWEST and _is_even(_along(runs)[rows]))


def _by_trajectory(runs: Runs) -> WholeRuns | None:
    axis = _along(runs)
    if "N" not in runs or not axis.size or not np.isfinite(axis).all():
        return None
    keys: list[npt.NDArray[np.generic]] = [runs[s] for s in ("N", "lr", "batch") if s in runs]
    keys += [
        np.unique(runs.labels[s], return_inverse=True)[1]
        for s in ("family", "seed")
        if s in runs.labels
    ]
    member = np.unique(np.stack(keys), axis=1, return_inverse=True)[1].reshape(-1)
    several = _together(member)
    if not several or not all(m.size >= FEWEST and _is_even(axis[m]) for m in several):
        return None
    sizes = groups(runs, "N")
    return WholeRuns("N", np.unique(sizes, return_inverse=True)[1].astype(np.int64), False)


def _along(runs: Runs) -> Numbers:
    return next((runs[s] for s in ALONG if s in runs), np.zeros(0))


def _is_even(values: Numbers) -> bool:
    """Return whether values follow each other at like distances."""
    steps = np.diff(np.sort(values))
    if not steps.size or not (steps > 0).all():
        return False
    middle = float(np.median(steps))
    return bool((np.abs(steps - middle) <= 0.1 * middle).mean() >= EVEN)
