"""Chinchilla's approach 1: the lower envelope of loss against compute, and the size on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import Note, RefusedByData
from isoflop.fitting.frontier import OptimumFrontier, compute, through
from isoflop.fitting.resample import pairs
from isoflop.quantities import refuse_draws, show
from isoflop.report.display import Displayed
from isoflop.runs import Runs

POINTS = 500  # values of C at which the envelope is looked up
SAME_SIZE = 0.02  # by which N of one size may scatter
CROWD = 3  # curves that an envelope needs, so that one can lie between two others
LATE = 0.85  # of its own schedule that a run should have behind it


@dataclass(frozen=True, eq=False)
class Envelope(Displayed):
    """Approach 1: the size of least loss at each C, and its power law.

    `curves` (c, k) holds the loss of each size at C (k,), NaN where it was not measured; `chosen`
    (k,) says which is least, -1 where that is the smallest or largest size measured at this C.
    """

    C: Numbers
    sizes: Numbers
    curves: Numbers
    chosen: npt.NDArray[np.intp]
    frontier: OptimumFrontier
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class _Curves:
    """Curves by size: log N (c,), and log L and log D (c, k) at log C (k,), NaN outside."""

    log_C: Numbers
    log_N: Numbers
    log_L: Numbers
    log_D: Numbers

    def chosen(self, used: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Return which of the used curves is least at each C (k,), -1 at an edge or if alone."""
        seen_ck = np.isfinite(self.log_L) & used[:, None]
        least = np.where(seen_ck, self.log_L, np.inf).argmin(0)
        N_ck = np.where(seen_ck, self.log_N[:, None], np.nan)
        with np.errstate(invalid="ignore"):
            lowest = np.where(seen_ck, N_ck, np.inf).min(0)
            highest = np.where(seen_ck, N_ck, -np.inf).max(0)
        inside = (self.log_N[least] > lowest) & (self.log_N[least] < highest)
        return np.where(inside, least, -1)


def envelope(runs: Runs, *, draws: int = 1000, seed: int = 0) -> Envelope:
    """Return approach 1: the size and data of least loss at each C, and their power laws in C.

    Losses are interpolated along each curve in log C: a run that was measured more than once, or
    all runs of one size. Values of C at which the smallest or largest size is best are left out,
    since a better one may lie beyond it. Draws resample whole curves.

    Raises RefusedByData for too few curves, or an envelope without a size between two others.
    Source: Hoffmann et al. 2022, arXiv:2203.15556, section 3.1.
    """
    refuse_draws(draws)
    C = compute(runs)
    curves = _curves(runs, C)
    chosen = curves.chosen(np.ones(curves.log_N.size, bool))
    on = chosen >= 0
    if np.unique(chosen[on]).size < 2:
        raise RefusedByData(
            f"of {curves.log_N.size} sizes, {np.unique(chosen[on]).size} lie on the envelope "
            "between a smaller and a larger one, and a power law needs 2: add sizes at each C"
        )
    rng = np.random.default_rng(seed)
    counts = pairs(rng, curves.log_N.size, draws)
    picks_sk = np.stack([chosen, *(curves.chosen(row > 0) for row in counts)])
    where = np.arange(chosen.size)
    log_N_sk = np.where(picks_sk >= 0, curves.log_N[picks_sk], np.nan)
    log_D_sk = np.where(picks_sk >= 0, curves.log_D[picks_sk, where], np.nan)
    frontier = through(np.exp(curves.log_C[on]), log_N_sk[:, on], log_D_sk[:, on])
    return Envelope(
        np.exp(curves.log_C),
        np.exp(curves.log_N),
        np.exp(curves.log_L),
        chosen,
        frontier,
        _notes(runs, frontier),
    )


def _curves(runs: Runs, C: Numbers) -> _Curves:
    """Return the curves of loss in compute that the runs hold, on one grid of C."""
    log_C, log_N = np.log(C), np.log(runs["N"])
    member = _members(runs, log_N)
    groups = [np.flatnonzero(member == name) for name in np.unique(member)]
    groups = [g[np.argsort(log_C[g])] for g in groups if np.unique(log_C[g]).size > 1]
    if len(groups) < CROWD:
        raise RefusedByData(
            f"{len(groups)} sizes were measured at two or more C, and an envelope needs {CROWD}: "
            "give curves of loss during training, or several runs of each size"
        )
    grid = np.linspace(*_overlap([log_C[g] for g in groups]), POINTS)

    def along(values: Numbers) -> Numbers:
        lines = (np.interp(grid, log_C[g], values[g], np.nan, np.nan) for g in groups)
        return np.stack(list(lines))

    sizes = np.array([log_N[g].mean() for g in groups])
    return _Curves(grid, sizes, along(np.log(runs["L"])), along(np.log(runs["D"])))


def _members(runs: Runs, log_N: Numbers) -> npt.NDArray[np.intp]:
    """Return the curve of each row (n,): its run if several runs have many rows, or its size."""
    if "run" in runs.labels:
        names, member, count = np.unique(
            runs.labels["run"], return_inverse=True, return_counts=True
        )
        if (count > 1).sum() >= CROWD and "" not in names:
            return np.asarray(member)
    order = np.argsort(log_N)
    step = np.diff(log_N[order], prepend=log_N[order][0]) > np.log1p(SAME_SIZE)
    member = np.empty(log_N.size, np.intp)
    member[order] = np.cumsum(step)
    return member


def _overlap(spans: list[Numbers]) -> tuple[float, float]:
    """Return the ends of the range of log C in which at least three curves were measured."""
    starts = np.sort([s[0] for s in spans])
    ends = np.sort([s[-1] for s in spans])
    low, high = float(starts[CROWD - 1]), float(ends[-CROWD])
    if low >= high:
        raise RefusedByData(
            f"no C was reached by {CROWD} sizes: an envelope needs sizes that overlap in compute"
        )
    return low, high


def _notes(runs: Runs, frontier: OptimumFrontier) -> tuple[Note, ...]:
    notes = [
        Note(
            "info",
            "noise",
            "the envelope picks the luckiest run at each C, so noise bends it towards outliers",
        ),
        Note(
            "info",
            "range",
            f"it spans {show(float(frontier.C.min()))} to {show(float(frontier.C.max()))} FLOP",
        ),
    ]
    if "run" in runs.labels:
        names, member, count = np.unique(
            runs.labels["run"], return_inverse=True, return_counts=True
        )
        if (count > 1).any():
            last = np.zeros(names.size)
            np.maximum.at(last, member, runs["D"])
            early = float((runs["D"] < LATE * last[member]).mean())
            notes.insert(
                0,
                Note(
                    "info",
                    "unfinished",
                    f"{early:.0%} of the losses were taken before {LATE:.0%} of their run: with a "
                    "decaying learning rate those are too high, and the envelope is not that of "
                    "finished runs",
                ),
            )
    return tuple(notes)
