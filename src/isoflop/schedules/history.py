"""What a run has gone through by each step at which its loss is asked: areas, and falls of rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.schedules.rates import Schedule

# Into so many stretches a schedule is cut, of which each counts as one change: for draws and
# searches, and for the law that is handed on.
COARSE, FINE = 200, 1200
FINER = 50  # times as many stretches for S2: its memory may be shorter than a stretch


@dataclass(frozen=True, eq=False)
class Changes:
    """Changes of rate (k,): by how much it fell, to which rate, at which step, after which area.

    A rise is a negative fall. Each may stand for several that follow each other closely: by
    their sum, and by means weighted with their sizes.
    """

    fall: Numbers
    rate: Numbers
    step: Numbers
    area: Numbers  # sum of the rates of all earlier steps
    drop: Integers  # the first of the history's steps that sees the change
    warming: npt.NDArray[np.bool_]  # whether it is of warm-up


@dataclass(frozen=True, eq=False)
class ScheduleHistory:
    """A schedule as seen from `steps` (n,), rising, at which the loss is asked.

    `group` changes of rate at a time, in steps, are counted as one; 1 counts every one.
    """

    schedule: Schedule
    steps: Integers
    group: int = 1

    @cached_property
    def _area(self) -> Numbers:
        return np.cumsum(self.schedule.rates)

    @cached_property
    def area(self) -> Numbers:
        """Sum of the rates up to and with each step (n,): S1."""
        return self._area[self.steps]

    @cached_property
    def falls(self) -> Numbers:
        """By how much the rate of each step of the schedule lies under the one before (T + 1,)."""
        return -np.diff(self.schedule.rates, prepend=self.schedule.rates[0])

    @cached_property
    def changes(self) -> Changes:
        """The changes of rate, warm-up with them, `group` steps at a time."""
        return self._joined(self.group)

    @cached_property
    def _finer(self) -> Changes:
        """Changes for a sum of one term each, where that of the others has one for every step."""
        return self._joined(max(1, self.group // FINER))

    def _joined(self, group: int) -> Changes:
        """Return the changes of rate, those of `group` steps as one.

        None are joined across a step at which the loss is asked, nor across the end of warm-up:
        each group lies wholly before or wholly after it.
        """
        at = np.flatnonzero(self.falls)
        index = np.searchsorted(self.steps, at)  # changes up to and with the step itself count
        warming = at <= self.schedule.warmup
        edges = index + ~warming
        cut = at // group + edges * (self.schedule.steps // group + 1)
        first = np.flatnonzero(np.diff(cut, prepend=-1))
        fall, weight = self.falls[at], np.abs(self.falls[at])
        if not at.size:
            none = np.zeros(0)
            return Changes(none, none, none, none, at, warming)

        def mean(values: Numbers) -> Numbers:
            return np.asarray(np.add.reduceat(weight * values, first)) / total

        total = np.add.reduceat(weight, first)
        rates, before = self.schedule.rates[at], self._area[at - 1]
        return Changes(
            np.add.reduceat(fall, first),
            mean(rates),
            mean(at.astype(float)),
            mean(before),
            index[first],
            warming[first],
        )

    def annealed(self, memory: float) -> tuple[Numbers, Numbers]:
        """Return S2 (n,) of Tissue et al. and its slope (n,) along `memory`.

        S2 sums m_i = memory m_(i-1) + (fall at i) over the steps i after warm-up, and therefore
        is (all falls - memory m) / (1 - memory): m is needed only where the loss is asked.
        """
        changes, n = self._finer, self.steps.size
        mask = ~changes.warming & (changes.drop < n)
        falls, index = changes.fall[mask], changes.drop[mask]
        since = self.steps[index] - changes.step[mask]
        weight = memory**since
        new = np.bincount(index, falls * weight, n)
        new_slope = np.bincount(index, falls * weight * since / memory, n)
        gap = np.diff(self.steps, prepend=0).astype(float)
        decay = memory**gap
        m, m_slope = np.empty(n), np.empty(n)
        last = last_slope = 0.0
        for i in range(n):
            last_slope = decay[i] * (last_slope + gap[i] / memory * last) + new_slope[i]
            last = decay[i] * last + new[i]
            m[i], m_slope[i] = last, last_slope
        complement = 1 - memory
        sums = (np.cumsum(np.bincount(index, falls, n)) - memory * m) / complement
        return sums, (sums - m - memory * m_slope) / complement


def grouped(schedule: Schedule, steps: Integers, stretches: int = FINE) -> ScheduleHistory:
    """Return a history with its changes joined into about `stretches`, or as many as `steps`."""
    return ScheduleHistory(schedule, steps, max(1, schedule.steps // stretches))
