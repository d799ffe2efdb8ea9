"""A law of schedules that knows earlier runs, moved by a curve that is not finished.

The earlier runs are of another size or another schedule; the law fitted to them is where the
parameters of the new curve are expected, within what sizes usually differ by.
Array suffixes: p parameters, n points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.schedules.curves import LossCurve
from isoflop.schedules.discrepancy import Discrepancy, noise_of
from isoflop.schedules.fitting import pose
from isoflop.schedules.forms import Form, choice
from isoflop.schedules.history import COARSE, grouped
from isoflop.schedules.rates import Schedule

# By how much parameters differ between sizes a factor of a few apart: sd of their logs, of the
# logit for a memory. From models of 25M and 100M (Luo et al. 2025) and isoflop's own.
SPREAD: Mapping[str, float] = {
    "L0": 0.105, "A": 0.105, "alpha": 0.084, "C": 0.14, "B": 0.14, "memory": 0.35,
    "beta": 0.07, "gamma": 0.07,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Updated:
    """A law moved by a partial curve, and by how much (log) it still misses each point (n,)."""

    law: Form
    residual: Numbers
    discrepancy: Discrepancy

    def log_end(self, schedule: Schedule) -> float:
        """Return the log of the loss at the end of a schedule that begins as the run did."""
        last = np.array([schedule.steps])
        value = float(np.log(self.law(grouped(schedule, last, COARSE))[0]))
        return value + float(self.discrepancy.gain(float(schedule.steps)) @ self.residual)


def updated(key: str, law: Form, partial: LossCurve) -> Updated:
    """Return the law called `key` that is likeliest after a partial curve, with `law` before it."""
    from scipy.optimize import least_squares

    which = choice(key)
    problem = pose(which, [partial], COARSE)
    before_p = problem.point(law)
    spread_p = np.array([SPREAD[name] for name in which.free])
    discrepancy = Discrepancy(partial.steps.astype(float), noise_of(np.log(partial.loss)))

    def residuals(step_p: Numbers) -> Numbers:
        r_sn, _ = problem((before_p + step_p * spread_p)[None])
        return np.concatenate([discrepancy.whitened(np.nan_to_num(r_sn[0], nan=1e3)), step_p])

    def slopes(step_p: Numbers) -> Numbers:
        _, J_spn = problem((before_p + step_p * spread_p)[None])
        steep_np = discrepancy.whitened(J_spn[0].T) * spread_p
        return np.concatenate([steep_np, np.eye(step_p.size)])

    ended = least_squares(residuals, np.zeros(before_p.size), jac=slopes, max_nfev=60)
    z_p = before_p + ended.x * spread_p
    r_sn, _ = problem(z_p[None])
    return Updated(problem.law(z_p), -r_sn[0], discrepancy)
