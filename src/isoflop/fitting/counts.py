"""Laws of coverage fitted to counts per problem, by the likelihood that the law itself gives.

A law that knows the chance of `solved` of `tried`, its method `log_mass`, can be fitted to all
that was counted rather than to the curve, whose points are one and the same set of problems.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, UsageError
from isoflop.fitting.result import Interval, quantiles
from isoflop.law import Law, form
from isoflop.options import IntervalOptions

L = TypeVar("L", bound=Law)

SEARCHED = 120  # starts that are tried; the best few are polished
POLISHED = 3
STEP = 1e-5  # of z, by which slopes are differenced
FAR = 30.0  # z beyond which a parameter is at its bound
HUGE = 1e12  # the cost where there is no likelihood
EDGE = 1e-6  # how near a bound a parameter may come, in the unit of its span


@dataclass(frozen=True, eq=False)
class CountFit(Generic[L]):
    """A law fitted to counts; `draws` are refits to problems drawn with replacement.

    `value` is the log-likelihood. `touched` names parameters at a bound: they are not known.
    """

    law: L
    draws: L | None
    value: float
    problems: int
    level: float
    touched: tuple[str, ...]
    seconds: float

    def interval(self, name: str) -> Interval:
        """Return the central interval of a parameter, NaN without draws."""
        return quantiles(getattr(self.draws, name) if self.draws else None, self.level)


def fit_counts(
    law: str | type[L],
    solved: Any,
    attempts: Any,
    *,
    fix: Mapping[str, float] | None = None,
    interval: IntervalOptions = IntervalOptions(draws=0),
) -> CountFit[Any]:
    """Return a law fitted to `solved` of `attempts` (p,) by maximum likelihood.

    Raises UsageError for a law without `log_mass`, CannotFit where nothing or everything was
    solved, or the likelihood has no value.
    """
    began, which = time.perf_counter(), form(law) if isinstance(law, str) else law
    if not hasattr(which, "log_mass"):
        raise UsageError(f"{which.key} does not give the chance of a count; fit it to the curve")
    c, n = np.broadcast_arrays(np.asarray(solved, float), np.asarray(attempts, float))
    if not c.any() or (c == n).all():
        raise CannotFit(
            f"{'no' if not c.any() else 'every'} sample of {c.size} problems is right: counts say "
            "nothing of how pass rates are spread; use harder or easier problems, or more samples"
        )
    pairs, where = np.unique(np.stack([c, n]), axis=1, return_inverse=True)
    likelihood = CountLikelihood(which, pairs[0], pairs[1], dict(fix or {}))
    weights = np.bincount(where.ravel()).astype(float)
    z, cost = likelihood.search(weights, np.random.default_rng(interval.seed))
    start = np.clip(z, *np.array([likelihood.span(name) for name in likelihood.free]).T)
    rows = _resampled(where.ravel(), weights.size, interval.draws, interval.seed)
    many = [likelihood.polish(w, start)[0] for w in rows]
    best, value = likelihood.law(z), -cost
    return CountFit(
        law=best,
        draws=likelihood.law(np.array(many)) if many else None,
        value=value,
        problems=c.size,
        level=interval.level,
        touched=likelihood.touched(best),
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True, eq=False)
class CountLikelihood:
    """A likelihood in unbounded numbers z: logs, or logits within the bounds of a parameter."""

    form: type[Law]
    solved: Numbers
    attempts: Numbers
    fix: dict[str, float]

    @property
    def free(self) -> list[str]:
        """Return the names of the parameters that are fitted."""
        return [name for name in self.form.params if name not in self.fix]

    def law(self, z: Numbers) -> Any:
        """Return the law at z (p,), or those at z (..., p) with parameters of that shape."""
        z = np.clip(z, -FAR, FAR)
        free_values = {name: self._leave(name, z[..., i]) for i, name in enumerate(self.free)}
        size = z.shape[:-1]
        return self.form(
            **free_values, **{name: np.full(size, v)[()] for name, v in self.fix.items()}
        )

    def cost(self, z_sp: Numbers, weights: Numbers) -> Numbers:
        """Return minus the log-likelihood (s,), huge where there is none."""
        here = weights > 0
        with np.errstate(all="ignore"):
            mass = self.law(z_sp[:, None]).log_mass(self.solved[here], self.attempts[here])
            total = -(mass * weights[here]).sum(-1)
        return np.where(np.isfinite(total), total, HUGE)

    def search(self, weights: Numbers, rng: np.random.Generator) -> tuple[Numbers, float]:
        """Return the best of the optima that the best of many starts lead to, and its cost."""
        spans = [self.span(name) for name in self.free]
        starts = np.array([[rng.uniform(*s) for s in spans] for _ in range(SEARCHED)])
        cost = self.cost(starts, weights)
        ends = [self.polish(weights, starts[i]) for i in np.argsort(cost)[:POLISHED]]
        z, value = min(ends, key=lambda end: end[1])
        if value >= HUGE:
            raise CannotFit(f"{self.form.key} has no likelihood at these counts from any start")
        return z, value

    def polish(self, weights: Numbers, start: Numbers) -> tuple[Numbers, float]:
        """Return the optimum near a start, and its cost."""
        from scipy.optimize import minimize

        ways = STEP * np.vstack([np.zeros(start.size), np.eye(start.size), -np.eye(start.size)])

        def sloped(z: Numbers) -> tuple[float, Numbers]:
            at, up, down = np.split(self.cost(z + ways, weights), [1, 1 + z.size])
            return float(at[0]), (up - down) / (2 * STEP)

        # L-BFGS-B of SciPy wakes every thread of BLAS at each step: many times slower for so few.
        end = minimize(sloped, start, jac=True, method="BFGS")
        return np.asarray(end.x), float(end.fun)

    def touched(self, law: Law) -> tuple[str, ...]:
        """Return the free parameters that ended at a bound."""
        out = []
        for name in self.free:
            low, high = self.form.params[name].bounds
            value = float(getattr(law, name))
            span = (high - low) if math.isfinite(high) else max(1.0, abs(value))
            if value - low < EDGE * span or high - value < EDGE * span:
                out.append(name)
        return tuple(out)

    def span(self, name: str) -> tuple[float, float]:
        """Return the ends between which starts lie: far from bounds, where slopes vanish."""
        low, high = self.form.params[name].typical
        return self._enter(name, low) - 1.0, self._enter(name, high) + 1.0

    def _enter(self, name: str, value: float) -> float:
        low, high = self.form.params[name].bounds
        if math.isfinite(high):
            return math.log((value - low) / (high - value))
        return math.log(value - low)

    def _leave(self, name: str, z: Numbers) -> Any:
        low, high = self.form.params[name].bounds
        if math.isfinite(high):
            return low + (high - low) / (1 + np.exp(-z))
        return low + np.exp(z)


def _resampled(where: npt.NDArray[np.intp], size: int, draws: int, seed: int) -> list[Numbers]:
    """Return how often each pair of counts comes when problems are drawn with replacement."""
    rng = np.random.default_rng(seed)
    return [
        np.bincount(where[rng.integers(0, where.size, where.size)], minlength=size).astype(float)
        for _ in range(draws)
    ]
