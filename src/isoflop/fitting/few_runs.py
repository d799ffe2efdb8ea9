"""Draws where few runs are left beyond the parameters, and resampling them would be too sure.

A resample of seven runs holds four or five: a law of three parameters then runs through all of
them, or through any. Instead outputs are drawn anew about the fit, with normal noise of the size
of the residuals, at the inputs of the runs. That size is itself known from few numbers: each draw
is widened by how much too small its own residuals tell its noise to be, so that draws scatter as
Student's t does, exactly so for least squares of a law that is linear in its parameters, whatever
the objective. Suffixes: s draws, p free parameters, n runs.
Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 12.5 (the bootstrap-t).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.fitting.diagnose import Solved
from isoflop.fitting.objective import Asymmetric
from isoflop.fitting.resample import BLOCK
from isoflop.fitting.solve import Damping, solve

Labels = npt.NDArray[np.generic]

FEW = 10  # runs beyond the parameters up to which draws are made so
WIDEST = 100.0  # times the noise that the residuals show


def noise_size(r_sn: Numbers, weights_n: Numbers, spare: int) -> Numbers:
    """Return the root mean square of residuals (s,), one run of `spare` counted for each."""
    return np.asarray(np.sqrt((weights_n * r_sn**2).sum(-1) / spare))


def draw_few(
    solved: Solved, weights_n: Numbers, clusters: Labels, draws: int, rng: np.random.Generator
) -> Numbers:
    """Return the optima z_sp of refits to outputs drawn anew about the optimum.

    Noise is the same for all runs of a cluster.
    """
    problem, target, z_p = solved.problem, solved.target, solved.optimum.z_p
    spare = weights_n.size - z_p.size
    names, member = np.unique(clusters, return_inverse=True)
    luck_sn = rng.standard_normal((draws, names.size))[:, member] / np.sqrt(weights_n)
    r_n = problem.values(z_p[None])[0]
    size = float(noise_size(r_n, weights_n, spare))
    start_sp = np.repeat(z_p[None], draws, 0)

    def refits(noise_sn: Numbers) -> Numbers:
        ends = solve(
            problem.residuals,
            start_sp,
            weights_n[None],
            target,
            raised_sn=r_n + noise_sn,
            damping=Damping(scaled=True),
        )
        return ends.z_sp

    noise_sn = size * luck_sn
    left_sn = problem.values(refits(noise_sn)) - r_n - noise_sn
    shown_s = np.maximum(noise_size(left_sn, weights_n, spare), size / WIDEST)
    z_sp = refits(noise_sn * (size / np.maximum(shown_s, 1e-300))[:, None])
    if isinstance(target, Asymmetric):  # which lies beside the middle of symmetric noise
        z_sp = z_sp + (z_p - np.median(z_sp[:BLOCK], axis=0))
    return z_sp
