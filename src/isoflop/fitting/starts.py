"""Where searches start: from the ranges that parameters have in the field, and from the data."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadLaw, IsoflopError
from isoflop.fitting.objective import Objective
from isoflop.fitting.problem import FitProblem
from isoflop.quantities import quantity


def spread(problem: FitProblem, rng: np.random.Generator, count: int) -> Numbers:
    """Return `count` starting points (count, p) in the solver's coordinates.

    Every parameter is stratified over its typical range. In half of the points, numbers in the
    unit of the output are drawn from the data instead: a floor lies under the lowest observation,
    and an amplitude is a share of the mean, since inputs are scaled to 1. Every other point draws a
    number in the unit of an open input from around what was seen of it.
    """
    form = problem.form
    output = np.exp(problem.output_n) if problem.kind == "log" else problem.output_n
    unit = quantity(form.predicts).unit
    typical = {name: _stratified(rng, form.params[name].typical, count) for name in problem.free}
    values = {**typical, **problem.fixed}
    half = np.arange(count) < count // 2
    columns = []
    for name in problem.free:
        value = problem.unscaled(name, typical[name], values)
        if form.params[name].unit == unit and output.min() > 0:
            floor = _stratified(rng, (0.05 * output.min(), 0.98 * output.min()), count)
            value = np.where(half, floor, value)
        elif form.params[name].unit.startswith(f"{unit} * ") and output.min() > 0:
            share = _stratified(rng, (0.01 * output.mean(), output.mean()), count)
            value = np.where(half, share, value)
        elif form.params[name].unit == "x":  # an open input has no size that is typical of it
            x = problem.inputs[form.takes.index("x")]
            near = _stratified(rng, (x.min() / 3, 10 * x.max()), count)
            value = np.where(np.arange(count) % 2 == 0, near, value)
        columns.append(problem.enter(name, value))
    return np.column_stack(columns)


def refuse_unfollowed(problem: FitProblem) -> None:
    """Raise BadLaw for a formula that duals cannot be carried through, or that loses runs."""
    z_sp = spread(problem, np.random.default_rng(0), 2)
    try:
        problem.residuals(z_sp)
        problem.values(z_sp)
    except IsoflopError:
        raise
    except Exception as failure:
        raise BadLaw(
            f"{problem.form.key} cannot be fitted: its formula fails on arrays ({failure}); write "
            "it with NumPy's functions, which take all runs and all starts at once"
        ) from failure


def have_values(problem: FitProblem) -> bool:
    """Return whether every run has a finite prediction at some start or other."""
    r_sn = problem.values(spread(problem, np.random.default_rng(0), 64))
    return bool(np.isfinite(r_sn).any(0).all())


def best(
    problem: FitProblem, z_sp: Numbers, weights_n: Numbers, objective: Objective, keep: int
) -> Numbers:
    """Return the `keep` points with the lowest objective, best first."""
    values = []
    for first in range(0, len(z_sp), 128):
        r_sn = problem.values(z_sp[first : first + 128])
        with np.errstate(over="ignore", invalid="ignore"):  # far starts may overflow: never best
            values.append((weights_n * objective.loss(r_sn)).sum(1))
    value_s = np.concatenate(values)
    order = np.argsort(np.where(np.isfinite(value_s), value_s, np.inf))
    return z_sp[order[:keep]]


def distance(problem: FitProblem, z_sp: Numbers, begin_p: Numbers | None = None) -> Numbers:
    """Return how far points (s,) lie from a start, or from the middle of typical ranges.

    The unit is half a typical range, of logs where it is positive.
    """
    laws = problem.law(z_sp)
    start = None if begin_p is None else problem.law(begin_p)
    total = np.zeros(len(z_sp))
    for name in problem.free:
        low, high = problem.form.params[name].typical
        middle = (low + high) / 2 if low <= 0 else float(np.sqrt(low * high))
        ends = np.array([low, high, middle if start is None else getattr(start, name)])
        values = np.concatenate([ends, getattr(laws, name)])
        if low > 0:
            values = np.log(np.clip(values, 1e-300, 1e300))
        with np.errstate(over="ignore"):
            total += ((values[3:] - values[2]) / (values[1] - values[0])) ** 2
    return total


def _stratified(rng: np.random.Generator, span: tuple[float, float], count: int) -> Numbers:
    """Return one number from each of `count` equal slices of a range, in logs if it is positive."""
    share = (rng.permutation(count) + rng.random(count)) / count
    low, high = span
    if low > 0:
        return np.asarray(low * (high / low) ** share)
    return np.asarray(low + (high - low) * share)
