"""Whether coverage bends over k, where a power law would be straight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.assess.coverage.extrapolation import SMALL, log_nlc, points, refuse_few
from isoflop.errors import CannotFit, Note
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed
from isoflop.samples.coverage import coverage
from isoflop.samples.curves import problem_weights
from isoflop.samples.sample_table import Counts


@dataclass(frozen=True)
class Bend(Displayed):
    """How far log(-log coverage) is from straight in log k: slope change over the range of k."""

    slope_first: float
    slope_last: float
    low: float
    high: float
    curved: bool
    notes: tuple[Note, ...]


def bend(counts: Counts, *, draws: int = 200, level: float = 0.9, seed: int = 0) -> Bend:
    """Return the log-log slopes at both ends, and the interval of their difference.

    Where it leaves out zero and the slope changes by a fifth or more, coverage is no power law:
    extrapolating a straight line would be wrong.
    """
    refuse_draws(draws, level)
    refuse_few(counts)
    k = points(counts.reach)
    each = coverage(counts, k)
    mean = each.mean(0)
    use = (mean > 0) & (mean < 1)
    if use.sum() < 4:
        raise CannotFit("too few points of the curve lie between 0 and 1 to see a bend")
    x, each = np.log(k[use]), each[:, use]
    draws_ = np.concatenate(
        [np.full((1, len(each)), 1 / len(each)), *problem_weights(len(each), draws, seed)]
    )
    y = log_nlc(np.clip(draws_ @ each, SMALL, 1 - 0.5 / len(each) * (1 - mean[use][-1])))
    q2, q1, _ = np.polyfit(x - x.mean(), y.T, 2)
    span = x[-1] - x[0]
    change = 2 * q2 * span
    low, high = np.quantile(change[1:], [(1 - level) / 2, (1 + level) / 2])
    first, last = float(q1[0] - change[0] / 2), float(q1[0] + change[0] / 2)
    curved = bool((low > 0 or high < 0) and abs(change[0]) > 0.2 * abs(q1[0]))
    notes = []
    if curved:
        way_ = "steepens" if last < first else "flattens"
        why = (
            "no problem is as hard as a power law would have it, as when answers can be guessed "
            "from a few"
            if last < first
            else "some problems are never solved"
        )
        notes.append(
            Note(
                "doubt",
                "curvature",
                f"the curve {way_}: its log-log slope goes from {-first:.2f} to {-last:.2f}, so "
                f"coverage is no power law here; {why}",
            )
        )
    return Bend(-first, -last, float(-high), float(-low), curved, tuple(notes))
