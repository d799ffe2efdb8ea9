"""Refits of a law to resampled runs: the draws behind every interval. Suffixes: s rows, n runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, UsageError
from isoflop.fitting import few_runs
from isoflop.fitting.diagnose import Solved
from isoflop.fitting.noise import EXACT, noise, rounding_value
from isoflop.fitting.objective import Asymmetric
from isoflop.fitting.resample import Labels, Resampling, signs
from isoflop.fitting.solve import Damping, solve
from isoflop.runs import Runs

MOST_UNEVEN = 1e7  # ratio of two sigmas, whose weights double precision still adds up
MANY = 20_000  # runs beyond which searches and draws are made on a sample of so many


def run_weights(runs: Runs) -> Numbers:
    """Return the weight of each run (n,): 1, or 1/sigma^2 relative to the median sigma."""
    if "sigma" not in runs:
        return np.ones(len(runs))
    sigma = runs["sigma"]
    if not (np.isfinite(sigma) & (sigma > 0)).all():
        raise BadRuns(
            "column sigma holds a value that is missing, zero or negative; it must be > 0"
        )
    if sigma.max() > MOST_UNEVEN * sigma.min():
        raise BadRuns(
            f"column sigma goes from {sigma.min():g} to {sigma.max():g}: some runs would count for "
            "nothing beside others; correct it, or leave such runs out with --where"
        )
    return np.asarray((np.median(sigma) / sigma) ** 2)


def draw(
    solved: Solved, runs: Runs, how: Resampling, draws: int, rng: np.random.Generator
) -> Numbers:
    """Return the optima z_sp of refits to resampled runs.

    Of more than `MANY` runs a sample is resampled, and the scatter of its refits about their
    centre is drawn in to that of all runs: it falls as 1/sqrt(n).
    """
    problem, target, optimum = solved.problem, solved.target, solved.optimum
    if len(runs) > MANY:
        part = np.sort(rng.choice(len(runs), MANY, replace=False))
        few, weights_sn = problem.sample(part), run_weights(runs)[part][None]
        own_p = solve(
            few.residuals,
            optimum.z_p[None],
            weights_sn,
            target,
            damping=Damping(near=True, scaled=problem.has_unbounded),
        ).z_sp[0]
        again = Solved(few, target, replace(optimum, z_p=own_p))
        z_sp = draw(again, runs[part], how, draws, rng)
        return np.asarray(optimum.z_p + (z_sp - own_p) * np.sqrt(MANY / len(runs)))
    weights_n, raised_sn = run_weights(runs), None
    if optimum.value <= EXACT * rounding_value(problem, weights_n, target):
        # Refits to runs without noise would differ by rounding, and take long over it.
        return np.repeat(optimum.z_p[None], draws, 0)
    if 0 < len(runs) - optimum.z_p.size <= few_runs.FEW:
        return few_runs.draw_few(solved, weights_n, how.clusters(runs), draws, rng)
    if how.kind == "wild":
        raised_sn = _raised(solved, weights_n, how.clusters(runs), draws, rng)
        weights_sn = weights_n[None]
    else:
        weights_sn = weights_n * how.weights(rng, runs, draws)
    rows = len(weights_sn if raised_sn is None else raised_sn)
    start_sp = np.repeat(optimum.z_p[None], rows, 0)
    z_sp = solve(
        problem.residuals,
        start_sp,
        weights_sn,
        target,
        raised_sn=raised_sn,
        damping=Damping(near=True, scaled=problem.has_unbounded),
    ).z_sp
    if how.kind == "jackknife":  # so spread that the variance of the rows is that of the estimate
        z_sp = optimum.z_p + np.sqrt(rows - 1) * (z_sp - z_sp.mean(0))
    return z_sp


def _raised(
    solved: Solved, weights_n: Numbers, clusters: Labels, draws: int, rng: np.random.Generator
) -> Numbers:
    """Return by how much outputs rise (s, n) when the signs of the residuals are drawn anew."""
    if isinstance(solved.target, Asymmetric):
        raise UsageError(
            "wild draws flip residuals, which an asymmetric objective holds to be unlike; "
            "draw pairs instead"
        )
    residuals = noise(solved.problem, solved.optimum.z_p, weights_n, solved.target)
    return np.asarray(residuals.r_n - residuals.alone_n(clusters) * signs(rng, clusters, draws))
