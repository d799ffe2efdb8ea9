"""How far the score of a task can be forecast: its noise, its rise above chance, and its class.

| class | rule |
|---|---|
| at chance | the better third of the runs rises no more than 2 sd of noise: not predictable yet |
| reliable | backtest within 3 points, signal at least 8 sd, rank correlation 0.9 or more |
| usable | backtest within 6 points, signal at least 4 sd, rank correlation 0.7 or more |
| unreliable | anything worse |
| untested | the runs allow no backtest |

The backtest is that of the chain on the largest runs, from all others: a class speaks of as far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit
from isoflop.runs import Runs

Name: TypeAlias = Literal["reliable", "usable", "unreliable", "at chance", "untested"]

RISEN = 2.0  # sd of noise above chance, from which a task says anything
FEWEST = 6  # runs from which a third is no single run
# The class, and what it asks: points missed [1], signal over noise, rank correlation.
RULES: tuple[tuple[Name, float, float, float], ...] = (
    ("reliable", 0.03, 8.0, 0.9),
    ("usable", 0.06, 4.0, 0.7),
)


@dataclass(frozen=True)
class Signal:
    """What the runs of a task show before any law: a rise, and the noise it stands out from.

    `rise` is the mean score of the third of runs with the lowest loss less chance, or less that
    of the worst third where chance is not known. `noise` is the sd of one score, from `seeds`
    (runs of one N and D) or from neighbours in loss. `monotone` is the rank correlation of score
    and falling loss.
    """

    best: float
    rise: float
    noise: float
    seeds: bool
    monotone: float

    @property
    def ratio(self) -> float:
        """The rise in sd of noise."""
        return self.rise / self.noise if self.noise > 0 else float("inf")

    @property
    def at_chance(self) -> bool:
        """Whether the runs say nothing of the task yet."""
        return self.rise <= RISEN * self.noise


def signal(runs: Runs, chance: float | None) -> Signal:
    """Return what runs of a loss and a score show of their task.

    Raises CannotFit for fewer than six runs.
    """
    mask = np.isfinite(runs["L"]) & np.isfinite(runs["score"])
    if mask.sum() < FEWEST:
        raise CannotFit(f"{mask.sum()} runs have a loss and a score; at least {FEWEST} are needed")
    table = runs[mask]
    order = np.argsort(table["L"])
    score, third = table["score"][order], len(table) // 3
    best = float(score[:third].mean())
    floor = float(score[-third:].mean()) if chance is None else chance
    noise, seeds = _noise(table, order)
    falls = np.corrcoef(_ranks(-table["L"]), _ranks(table["score"]))[0, 1] if np.ptp(score) else 0.0
    return Signal(best, best - floor, noise, seeds, float(falls))


def classify(signal: Signal, error: float) -> Name:
    """Return the class of a task from its signal and the rms error of its backtest, NaN if none."""
    if signal.at_chance:
        return "at chance"
    if not np.isfinite(error):
        return "untested"
    for name, most, ratio, monotone in RULES:
        if error <= most and signal.ratio >= ratio and signal.monotone >= monotone:
            return name
    return "unreliable"


def _noise(runs: Runs, order: npt.NDArray[np.intp]) -> tuple[float, bool]:
    """Return the sd of a score, and whether repeated runs show it; else neighbours in loss do."""
    if {"N", "D"} <= set(runs.columns):
        places = np.round(np.log(np.stack([runs["N"], runs["D"]])), 6)
        member = np.unique(places, axis=1, return_inverse=True)[1].ravel()
        groups = [runs["score"][member == g] for g in np.unique(member)]
        free = sum(g.size - 1 for g in groups)
        if free >= 3:
            return float(np.sqrt(sum(((g - g.mean()) ** 2).sum() for g in groups) / free)), True
    steps = np.diff(runs["score"][order])
    return float(np.sqrt((steps**2).mean() / 2)), False


def _ranks(values: Numbers) -> Numbers:
    """Return ranks (n,); equal values share the middle of theirs."""
    _, member, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[member])
