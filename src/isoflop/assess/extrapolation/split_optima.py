"""Where the fits of all splits of a backtest have their optima, found in few solves.

Array suffixes: c splits, k starts, p parameters, n runs, s rows, b rows of one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.fitting import starts
from isoflop.fitting.objective import Objective
from isoflop.fitting.problem import FitProblem
from isoflop.fitting.solve import Damping, solve
from isoflop.law import Law

SCREENED, POLISHED = 1024, 24
# The likeliest `FIRST` starts are polished, and the others unless so many agree within `SAME`.
FIRST, AGREE, SAME = 8, 4, 1e-8
LOWEST = 4  # ends that go on where a parameter has no bounds
ON = 400  # passes that they go on for: a split that sees too few runs for its law has no end
TOGETHER = 600  # runs up to which all splits are one solve, since few rows creep for long


@dataclass(frozen=True)
class Effort:
    """How hard the optimum of a split is looked for: starts, and a law to begin at beside them.

    With such a law what one split found is not tried for the others.
    """

    screened: int = SCREENED
    polished: int = POLISHED
    start: Law | None = None


def split_optima(
    problem: FitProblem,
    seen_cn: Numbers,
    target: Objective,
    rng: np.random.Generator,
    effort: Effort,
) -> Numbers:
    """Return the best point of each split, z_cp, by the runs that it may see and no other."""
    start_ckp = []
    for seen_n in seen_cn > 0:
        # Starts are placed by the losses of the runs that the split may see, and by no other.
        part = problem.sample(np.flatnonzero(seen_n))
        spread = starts.spread(part, rng, effort.screened)
        ones = np.ones(part.output_n.size)
        best_sp = starts.best(part, spread, ones, target, effort.polished)
        if effort.start is not None:
            best_sp = np.concatenate([problem.point(effort.start)[None], best_sp])
        start_ckp.append(best_sp)
    best_cp, least_c = _lowest(problem, np.array(start_ckp), seen_cn, target)
    splits = len(seen_cn)
    if effort.start is not None or splits == 1:
        return best_cp
    # A form that is wrong has several optima; what one split found is tried for the others.
    others = np.array([np.delete(best_cp, i, 0) for i in range(splits)])
    again_cp, value_c = _lowest(problem, others, seen_cn, target)
    return np.where((value_c < least_c)[:, None], again_cp, best_cp)


def _lowest(
    problem: FitProblem, start_ckp: Numbers, seen_cn: Numbers, target: Objective
) -> tuple[Numbers, Numbers]:
    """Return the lowest point (c, p) that each split descends to, and its objective (c,).

    Small tables are solved together, in arrays that are worth their while; of large ones each
    split alone, without the runs that it may not see.
    """
    if problem.output_n.size <= TOGETHER:
        return _descended(problem, start_ckp, seen_cn, target)
    ends = []
    for start_kp, seen_n in zip(start_ckp, seen_cn > 0, strict=True):
        part = problem.sample(np.flatnonzero(seen_n))
        ends.append(_descended(part, start_kp[None], np.ones((1, int(seen_n.sum()))), target))
    best, least = zip(*ends, strict=True)
    return np.concatenate(best), np.concatenate(least)


def _descended(
    problem: FitProblem, start_ckp: Numbers, weights_cn: Numbers, target: Objective
) -> tuple[Numbers, Numbers]:
    """Return where the likeliest starts of each split end (c, p), and the objective there (c,).

    Where `AGREE` of the first have ended at the lowest of them, the others are left out.
    """
    count, k = start_ckp.shape[:2]
    best_cp, open_c = start_ckp[:, 0].copy(), np.arange(count)
    values: list[Numbers] = [np.array([np.inf]) for _ in range(count)]
    for part in (slice(0, FIRST), slice(FIRST, k)):
        batch = start_ckp[open_c, part]
        if not batch.size:
            break
        z_cbp, value_cb = _ends(problem, batch, weights_cn[open_c], target)
        lowest_c = value_cb.argmin(1)
        for i, c in enumerate(open_c):
            if value_cb[i].min() < values[c].min():
                best_cp[c] = z_cbp[i, lowest_c[i]]
            values[c] = np.concatenate([values[c], value_cb[i]])
        agree = [(v <= v.min() * (1 + SAME)).sum() for v in values]
        open_c = np.array([c for c in open_c if agree[c] < AGREE], int)
    return best_cp, np.array([v.min() for v in values])


def _ends(
    problem: FitProblem, start_cbp: Numbers, weights_cn: Numbers, target: Objective
) -> tuple[Numbers, Numbers]:
    """Return where every start of every split ends (c, b, p), and the objective there (c, b).

    Without bounds the lowest ends of a split go on along the valleys in which they may lie, each
    parameter damped by its own size: from the starts that way is long, and leads astray.
    """
    c, b, p = start_cbp.shape
    ends = solve(problem.residuals, start_cbp.reshape(-1, p), np.repeat(weights_cn, b, 0), target)
    z_cbp, value_cb = ends.z_sp.reshape(c, b, p), ends.value_s.reshape(c, b)
    if not problem.has_unbounded:
        return z_cbp, value_cb
    low = np.argsort(value_cb, 1)[:, :LOWEST]
    rows, k = np.arange(c)[:, None], low.shape[1]
    on = solve(
        problem.residuals,
        z_cbp[rows, low].reshape(-1, p),
        np.repeat(weights_cn, k, 0),
        target,
        damping=Damping(scaled=True, passes=ON),
    )
    z_cbp[rows, low], value_cb[rows, low] = on.z_sp.reshape(c, k, p), on.value_s.reshape(c, k)
    return z_cbp, value_cb
