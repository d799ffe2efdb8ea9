"""What runs that nobody has made yet will be able to tell: gaps in their placing, and widths.

How a run narrows a forecast does not hang on what it will say, so that a whole study is judged
before its first trial (Chaloner and Verdinelli 1995). Suffixes: r rows of a factor, c runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import RefusedByData
from isoflop.fitting.diagnose import condition_number
from isoflop.fitting.problem import pose
from isoflop.fitting.support import MissingSupport, gaps
from isoflop.law import Binding, Law
from isoflop.laws import form
from isoflop.plan.design.uncertainty import Candidates, Model, Target, factor

MOST_PLACES = 200  # different N and D that are held apart; more are gathered in cells
CELLS = 12  # of each axis, where they are gathered


@dataclass(frozen=True, slots=True)
class ExpectedWidth:
    """Relative half-widths of a forecast at `level`: before any run, and after all of them."""

    before: float
    after: float
    level: float


def expected_width(
    model: Model, target: Target, runs: Candidates, noise: float, level: float = 0.9
) -> ExpectedWidth:
    """Return how well a target is known before and after runs whose log losses scatter by `noise`.

    `model` is a fit, or the key of a law of which nothing is known but its typical range. The form
    itself is taken as right, so this is the least width that the runs can give.
    Raises RefusedByData where the typical range of a law says nothing of such runs.
    """
    places, counts = _places(runs)
    F_rc, T_rm = factor([model], None, target, places, noise, 0.0)
    F_rc = F_rc * np.sqrt(counts) / noise
    information_rr = np.eye(len(F_rc)) + F_rc @ F_rc.T
    variance = (T_rm * np.linalg.solve(information_rr, T_rm)).sum(0).mean()
    quantile = NormalDist().inv_cdf((1 + level) / 2)
    before, after = (T_rm**2).sum(0).mean(), variance
    low, high = (float(np.expm1(quantile * np.sqrt(v))) for v in (after, before))
    return ExpectedWidth(before=high, after=low, level=level)


def _places(runs: Candidates) -> tuple[Candidates, Numbers]:
    """Return the different N and D of runs, and how many runs each has; a few where many."""
    points = np.log(np.stack([runs.N, runs.D], axis=1))
    keys = points
    if len(np.unique(points, axis=0)) > MOST_PLACES:
        low, high = points.min(0), points.max(0)
        keys = np.floor((points - low) / np.maximum(high - low, 1e-12) * (CELLS - 1e-9))
    _, group, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    N, D = (np.exp(np.bincount(group, points[:, i]) / counts) for i in (0, 1))
    return Candidates(N, D, 6 * N * D), counts.astype(float)


def design_gaps(key: str, inputs: Mapping[str, Numbers]) -> tuple[MissingSupport, ...]:
    """Return what runs placed so will leave open of a law, however small their noise is.

    The law's published constants, or the middle of its typical range, stand for the truth: where
    runs lie decides, not what they say.
    Raises RefusedByData for fewer places than the law has parameters.
    """
    law = _typical_law(key)
    binding = Binding(type(law))
    L = np.asarray(law(**{s: inputs[s] for s in binding.takes}))
    problem = pose(binding, {**inputs, "L": L}, None, "log")
    distinct = len(np.unique(np.stack(problem.inputs), axis=1).T)
    if distinct < len(problem.free):
        raise RefusedByData(
            f"the runs stand at {distinct} different places; {key} has {len(problem.free)} "
            "parameters: add sizes or token counts, or plan for a law with fewer"
        )
    conditioning, _ = condition_number(problem, problem.point(law), set())
    return gaps(problem, binding.takes, conditioning)


def _typical_law(key: str) -> Law:
    """Return a law with numbers: its first published set, else the middle of the typical range."""
    law = form(key)
    if law.published:
        return next(iter(law.published.values())).law
    middles = {
        name: float(np.sqrt(low * high)) if low > 0 else (low + high) / 2
        for name, (low, high) in ((k, p.typical) for k, p in law.params.items())
    }
    return law(**middles)
