"""Follow a law to other runs at once: no draws, one descent, and no verdict."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np

from isoflop.errors import Note
from isoflop.fitting.draws import run_weights
from isoflop.fitting.problem import pose
from isoflop.fitting.result import Fit
from isoflop.fitting.solve import Damping, refine, solve
from isoflop.fitting.trust import Starts
from isoflop.law import Law
from isoflop.runs import Runs

L = TypeVar("L", bound=Law)


@np.errstate(all="ignore")  # what overflows on the way is never the answer
def follow(fit: Fit[L], runs: Runs) -> Fit[L]:
    """Return the law of a fit moved to the optimum for other `runs`, from where it stands.

    It is for a reader who leaves runs out of a fit and looks at what changes: one descent, whose
    end is the optimum if that is near, in place of the search, the draws and the verdict of `fit`.
    A note says so.
    """
    began = time.perf_counter()
    binding = fit.binding
    fixed = {name: float(getattr(fit.law, name)) for name in fit.fixed}
    columns = {symbol: runs[symbol] for symbol in (*binding.takes, binding.predicts)}
    problem = pose(binding, columns, fixed, fit.kind)
    weights_n = run_weights(runs)
    begin_p = problem.beginning(fit.law)
    damping = Damping(near=True, scaled=problem.has_unbounded)
    end = solve(problem.residuals, begin_p[None], weights_n[None], fit.objective, damping=damping)
    z_p = refine(problem.residuals, end.z_sp[0], weights_n, fit.objective)
    residuals_n = problem.residuals(z_p[None])[0][0]
    return replace(
        fit,
        law=cast(L, problem.law(z_p)),
        draws=None,
        runs=runs,
        value=float((weights_n * fit.objective.loss(residuals_n)).sum()),
        starts=Starts(1, 1, 1),
        status="doubtful",
        notes=(
            Note("doubt", "followed", "the law was followed from other runs, not searched for"),
        ),
        seconds=time.perf_counter() - began,
    )
