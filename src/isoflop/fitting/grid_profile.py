"""Fit by a grid: some parameters stand at its nodes, the others are least squares at each node.

The way of papers that profile by hand. All nodes are rows of one solve, in which a parameter of
the grid has no slope, so that it stays where its row began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, UsageError
from isoflop.fitting.objective import Squared
from isoflop.fitting.problem import FitProblem, pose
from isoflop.fitting.solve import solve
from isoflop.law import Binding, Law
from isoflop.runs import Runs


@dataclass(frozen=True, eq=False)
class GridProfile:
    """The best node and law of a grid; `edges` names the parameters that stand at its rim.

    `value` is the sum of squared residuals, `values` (a, b, ...) that of every node.
    """

    law: Law
    value: float
    values: Numbers
    edges: Mapping[str, float]


def grid_profile(
    binding: Binding,
    runs: Runs,
    grid: Mapping[str, Numbers],
    start: Mapping[str, float],
    fix: Mapping[str, float] | None = None,
) -> GridProfile:
    """Return the least-squares law whose parameters of `grid` stand at one of its nodes.

    The other parameters begin at `start`, but for those that `fix` pins.

    Raises UsageError for a parameter without a value to begin at, CannotFit where no node has one.
    """
    symbols = (*binding.takes, binding.predicts)
    problem = pose(binding, {s: runs[s] for s in symbols}, fix)
    if lost := [k for k in problem.free if k not in grid and k not in start]:
        raise UsageError(f"{lost[0]} is neither on the grid, fixed, nor given a value to begin at")
    shape = tuple(len(v) for v in grid.values())
    meshed = (m.ravel() for m in np.meshgrid(*grid.values(), indexing="ij"))
    nodes = dict(zip(grid, meshed, strict=True))
    size = int(np.prod(shape))
    params: dict[str, Any] = {
        **{k: np.full(size, float(v)) for k, v in start.items()},
        **nodes,
        **problem.fixed,
    }
    z_sp = np.column_stack(
        [problem.enter(k, problem.unscaled(k, params[k], params)) for k in problem.free]
    )
    ends = solve(_standing(problem, set(grid)), z_sp, np.ones((1, len(runs))), Squared())
    values = 2 * ends.value_s
    best = int(np.argmin(values))
    if not np.isfinite(values[best]):
        raise CannotFit(f"{binding.form.key} has no value at these runs on any node of the grid")
    chosen = {k: float(v[best]) for k, v in nodes.items()}
    law = problem.law(ends.z_sp[best])
    rim = {k: chosen[k] for k, v in grid.items() if chosen[k] in (v[0], v[-1])}
    return GridProfile(law, float(values[best]), values.reshape(shape), rim)


class _standing:  # noqa: N801 (used as a function)
    """The residuals of a problem in which some parameters do not move."""

    def __init__(self, problem: FitProblem, names: set[str]) -> None:
        self.problem = problem
        self.still = [i for i, name in enumerate(problem.free) if name in names]

    def __call__(self, z_sp: Numbers) -> tuple[Numbers, Numbers]:
        r_sn, J_spn = self.problem.residuals(z_sp)
        J_spn[:, self.still] = 0.0
        return r_sn, J_spn
