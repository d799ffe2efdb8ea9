"""Refits to outputs that were drawn anew as a whole, where the points of a curve hang together."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.fitting import reopen, run_weights
from isoflop.fitting.result import Fit
from isoflop.fitting.solve import Damping, solve


def refit_to(fitted: Fit[Any], outputs_sn: Numbers) -> Any:
    """Return an ensemble of the same fit, one to each row of outputs (s, n), in one solve.

    The points of a curve over k come from the same problems: drawing points apart would make
    intervals far too narrow. Draw problems, and give the curve that each draw makes.
    """
    problem = reopen(fitted)
    observed = fitted.runs[fitted.binding.predicts]
    if fitted.kind == "log":
        raised = np.log(outputs_sn) - np.log(observed)
    else:
        raised = (outputs_sn - observed) * (problem.output_n.sum() / observed.sum())
    start = np.repeat(problem.point(fitted.law)[None], len(outputs_sn), 0)
    weights = run_weights(fitted.runs)[None]
    ends = solve(
        problem.residuals,
        start,
        weights,
        fitted.objective,
        raised_sn=raised,
        damping=Damping(near=True, scaled=problem.has_unbounded),
    )
    return problem.law(ends.z_sp)
