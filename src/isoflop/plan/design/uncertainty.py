"""What is not known yet of a set of runs and of a target, as one factor of their covariance.

Every column of a factor F is a log loss, or the log target; F'F is their covariance. For a fit it
comes from the slopes of the law and the runs behind it, for a law without runs from draws of the
typical range of its parameters. Suffixes: r rows of a factor, c candidates, p parameters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import NoOptimum, RefusedByData, UsageError
from isoflop.fitting import Fit, starts
from isoflop.fitting.problem import FitProblem, pose
from isoflop.law import Law
from isoflop.laws import form
from isoflop.plan.optimum import optimum
from isoflop.quantities import quantity, show

Model: TypeAlias = Fit[Any] | str

PRIOR_DRAWS = 4000
STEP = 1e-4  # of a parameter, for the slope of the target
FEWEST = 50  # draws that a typical range must leave
WIDE = 0.05  # a step in log N, for how sharp an optimum is


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be known: the loss at points N, D (m,), or the best N at budgets C (m,)."""

    N: float | Numbers | None = None
    D: float | Numbers | None = None
    C: float | Numbers | None = None

    def __post_init__(self) -> None:
        """Refuse a target that is neither, or a number that no run can have."""
        symbols = {s for s in "NDC" if getattr(self, s) is not None}
        if symbols not in ({"N", "D"}, {"C"}):
            raise UsageError(
                "a target is the loss at N and D (N=70e9,D=1.4e12) or the best N at C (C=1e24)"
            )
        for symbol in symbols:
            values = np.atleast_1d(np.asarray(getattr(self, symbol), float))
            if not (np.isfinite(values) & (values > 0)).all():
                raise UsageError(f"the target's {symbol} is {values}; it must be above zero")

    @property
    def words(self) -> str:
        """The target as a reader would say it."""
        if self.C is not None:
            return f"the best N at {_shown(self.C)} FLOP"
        return f"the loss at N = {_shown(self.N)}, D = {_shown(self.D)}"

    def log(self, law: Law) -> Numbers:
        """Return the log of the target (s, m) that a law, or an ensemble, says."""
        members = law.members or 1
        with np.errstate(all="ignore"):
            if self.C is not None:
                value = optimum(law, np.atleast_1d(np.asarray(self.C, float))).N
            else:
                N, D = (np.atleast_1d(np.asarray(v, float)) for v in (self.N, self.D))
                value = law(N=N, D=D)
            return np.asarray(np.log(value)).reshape(members, -1)


def _shown(values: float | Numbers | None) -> str:
    numbers = np.atleast_1d(np.asarray(values, float))
    ends = [show(float(v)) for v in (numbers.min(), numbers.max())]
    return ends[0] if numbers.size == 1 else f"{ends[0]} to {ends[1]}"


@dataclass(frozen=True, eq=False)
class Candidates:
    """Runs that could be made: N [params], D [tokens] and cost [FLOP], (c,) each."""

    N: Numbers
    D: Numbers
    cost: Numbers
    repeat: bool = False  # whether the same run may be made more than once

    def __len__(self) -> int:
        return int(self.N.size)


def factor(
    models: Sequence[Model],
    weights: Sequence[float] | None,
    target: Target,
    candidates: Candidates,
    noise: float,
    drift: float,
) -> tuple[Numbers, Numbers]:
    """Return F_rc and T_rm of all models together: their own scatter, and what parts them."""
    share = np.full(len(models), 1 / len(models)) if weights is None else np.asarray(weights, float)
    share = share / share.sum()
    factors = [
        _of_law(m, target, candidates, drift)
        if isinstance(m, str)
        else _of_fit(m, target, candidates, noise, drift)
        for m in models
    ]
    means = np.stack([mean for _, mean in factors])
    within = [np.sqrt(w) * block for w, (block, _) in zip(share, factors, strict=True)]
    between = np.sqrt(share)[:, None] * (means - share @ means)
    both = np.vstack([*within, between])
    return both[:, : len(candidates)], both[:, len(candidates) :]


def _of_fit(
    fit: Fit[Any], target: Target, candidates: Candidates, noise: float, drift: float
) -> tuple[Numbers, Numbers]:
    """Return factor and mean, candidates first and the target last, around a fit.

    The information of the runs is J'J / noise^2; that of the typical ranges keeps directions that
    no run has seen from being boundless. `drift` bends are parameters like the others.
    """
    binding = fit.binding
    columns = {s: fit.runs[s] for s in (*binding.takes, binding.predicts)}
    fixed = {k: float(getattr(fit.law, k)) for k in fit.fixed}
    problem = pose(binding, columns, fixed, "log")
    z_p = problem.point(fit.law)
    _, J_spn = problem.residuals(z_p[None])
    inputs = {"N": candidates.N, "D": candidates.D}
    scaled = tuple(inputs[s] / problem.scales.get(quantity(s).unit, 1.0) for s in binding.takes)
    at = dataclasses.replace(problem, inputs=scaled, output_n=np.zeros(len(candidates)))
    mean_sc, G_spc = at.residuals(z_p[None])
    bend = _Bend(fit.runs["N"], fit.runs["D"], drift)
    J_pn = np.vstack([J_spn[0], bend(fit.runs["N"], fit.runs["D"])])
    prior = np.concatenate([_prior_width(problem) ** -2.0, np.ones(3)])
    slopes = np.hstack([G_spc[0], _slope(problem, z_p, target)])
    bends = np.hstack([bend(candidates.N, candidates.D), bend.of(target, fit.law)])
    root = np.linalg.cholesky(J_pn @ J_pn.T / noise**2 + np.diag(prior))
    factor_r = np.linalg.solve(root, np.vstack([slopes, bends]))
    return factor_r, np.append(mean_sc[0], target.log(fit.law)[0])


class _Bend:
    """How a law may be off: a quadratic in log N and log D about its runs, `drift` a coefficient.

    A law of the wrong form leaves its runs behind about so, and runs far from the target then say
    less about it than the law alone would have them say.
    """

    def __init__(self, N: Numbers, D: Numbers, drift: float) -> None:
        self.n_0, self.d_0 = float(np.log(N).mean()), float(np.log(D).mean())
        self.drift = drift

    def __call__(self, N: Numbers, D: Numbers) -> Numbers:
        """Return what each bend (3, k) adds to the log loss."""
        n, d = np.log(N) - self.n_0, np.log(D) - self.d_0
        return self.drift * np.stack([n * n, d * d, n * d])

    def of(self, target: Target, law: Law) -> Numbers:
        """Return what each bend (3, m) adds to the log target."""
        if target.C is None:
            N, D = (np.atleast_1d(np.asarray(v, float)) for v in (target.N, target.D))
            return self(N, D)
        best = optimum(law, np.atleast_1d(np.asarray(target.C, float)))
        with np.errstate(all="ignore"):
            low, here, high = (
                np.log(law(N=best.N * k, D=best.D / k)) for k in (np.exp(-WIDE), 1.0, np.exp(WIDE))
            )
            curvature = (low + high - 2 * here) / WIDE**2
            n, d = np.log(best.N) - self.n_0, np.log(best.D) - self.d_0
            # Where log L + e b(log N) has its minimum, log N moves by -b' / (log L)''.
            moved = -np.stack([2 * n, -2 * d, d - n]) / curvature
        if law.members is not None:
            moved = np.nanmedian(moved, axis=1)
        return np.asarray(self.drift * moved)


def _slope(problem: FitProblem, z_p: Numbers, target: Target) -> Numbers:
    """Return the slope (p, m) of the log target along the solver's coordinates."""
    ends = np.concatenate([z_p + STEP * np.eye(z_p.size), z_p - STEP * np.eye(z_p.size)])
    values = target.log(problem.law(ends))
    if not np.isfinite(values).all():
        raise NoOptimum(f"{problem.form.key} has no value for the target, so no run can narrow it")
    return np.asarray((values[: z_p.size] - values[z_p.size :]) / (2 * STEP))


def _prior_width(problem: FitProblem) -> Numbers:
    """Return the standard deviation (p,) that typical ranges give the solver's coordinates."""
    spread = starts.spread(problem, np.random.default_rng(0), 512)
    return np.asarray(np.maximum(spread.std(0), 1e-6))


def _of_law(
    key: str, target: Target, candidates: Candidates, drift: float
) -> tuple[Numbers, Numbers]:
    """Return factor and mean over the typical range of a law's parameters.

    Draws whose losses leave the field's range are no models.
    """
    law, rng = form(key), np.random.default_rng(0)
    many = law(**{name: _typical(rng, p.typical) for name, p in law.params.items()})
    with np.errstate(all="ignore"):
        L_sc = np.asarray(many(N=candidates.N, D=candidates.D))
    low, high = quantity("L").typical
    values = np.column_stack([np.log(L_sc), target.log(many)])
    good = np.isfinite(values).all(1) & (L_sc.min(1) > low / 2) & (L_sc.max(1) < 4 * high)
    if good.sum() < FEWEST:
        raise RefusedByData(
            f"the typical range of {key} says nothing of these runs: fit it to a few runs first"
        )
    finite = values[good]
    away = (finite - finite.mean(0)) / np.sqrt(len(finite) - 1)
    # Rotated, so that only as many rows stay as there are directions.
    bend = _Bend(candidates.N, candidates.D, drift)
    bends = np.hstack([bend(candidates.N, candidates.D), bend.of(target, many[good])])
    return np.vstack([np.linalg.qr(away, mode="r"), bends]), finite.mean(0)


def _typical(rng: np.random.Generator, span: tuple[float, float]) -> Numbers:
    low, high = span
    if low > 0:
        return np.asarray(np.exp(rng.uniform(np.log(low), np.log(high), PRIOR_DRAWS)))
    return np.asarray(rng.uniform(low, high, PRIOR_DRAWS))
