"""shrink: a smaller model of the same loss, what it takes, and how small it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, UsageError
from isoflop.law import LossLaw
from isoflop.plan.optimum import best, needed
from isoflop.plan.problem import Model, PlanningOptions, PlanningProblem, basis, problem_of
from isoflop.plan.result import Estimate
from isoflop.plan.rounding import coarse
from isoflop.quantities import refuse_impossible
from isoflop.report.display import Displayed

SIZES = (0.75, 0.5, 0.4, 0.3)
_WITHOUT_END = np.inf  # tokens


@dataclass(frozen=True, slots=True)
class Smaller:
    """`factor` times the best N, trained to the same loss.

    `data` is by what factor D grows and `overhead` the share of C that is added; both are
    infinite in a draw that puts the size out of reach. `out_of_reach` is the share of such draws.
    """

    factor: float
    N: float
    D: Estimate
    C: Estimate
    data: Estimate
    overhead: Estimate
    out_of_reach: float


@dataclass(frozen=True)
class Shrunk(Displayed):
    """What smaller models take to reach the loss of the best run of C [FLOP].

    No data makes up for less than `least` times its N.
    """

    C: float
    N: Estimate
    D: Estimate
    L: Estimate
    least: Estimate
    rows: tuple[Smaller, ...]
    level: float
    notes: tuple[Note, ...]
    problem: PlanningProblem


def shrink(
    model: Model | PlanningProblem,
    C: float,
    factors: Sequence[float] = SIZES,
    **options: Unpack[PlanningOptions],
) -> Shrunk:
    """Return what models of `factors` times the best N for C [FLOP] take to reach its loss.

    The options are the fields of a `PlanningProblem`, which may stand in place of the model; the
    cost is that of training, in FLOP, and there are no limits.

    By Chinchilla's law all factors are the same at every C, and in closed form:
    data [1 - (beta/alpha)(k^-alpha - 1)]^(-1/beta), least k (1 + alpha/beta)^(-1/alpha).

    Raises UsageError for a factor at or below the least, with the least, and for fields that have
    no effect; and what `PlanningProblem` raises.
    Source: de Vries 2023, "Go smol or go home"; Hoffmann et al. 2022, eq. 2 and 4.
    """
    for name, value in ({"C": C} | {f"factor {i + 1}": k for i, k in enumerate(factors)}).items():
        refuse_impossible(name, value)
    problem = problem_of(model, options)
    problem.refuse("smaller models", "cost", "serving", "at_most", "at_least", "growth")
    one = _Start(problem, problem.law, C)
    many = None if problem.draws is None else _Start(problem, problem.draws, C)
    least = float(one.least[0])
    for k in factors:
        if k <= least:
            raise UsageError(
                f"no data makes up for {k:g} times the best N: by this law the smallest that "
                f"reaches its loss is {least:.4g} times; ask for more, such as {1.1 * least:.3g}"
            )
    N, D = float(one.N[0]), float(one.D[0])

    def drawn(name: str) -> Estimate:
        draws = None if many is None else getattr(many, name)
        return Estimate.of(getattr(one, name), draws, problem.interval_level)

    rows = tuple(_row(k, one, many, problem.interval_level) for k in factors)
    return Shrunk(
        C=C,
        N=drawn("N"),
        D=drawn("D"),
        L=drawn("L"),
        least=drawn("least"),
        rows=rows,
        level=problem.interval_level,
        notes=(*coarse(model), *basis(problem, N, D)),
        problem=problem,
    )


class _Start:
    """The best run of a budget by a law or its draws (s,), and what smaller ones take."""

    def __init__(self, problem: PlanningProblem, law: LossLaw, C: float) -> None:
        self.law, self.inputs, self.cost = law, problem.all_inputs, problem.priced
        split = best(law, problem.priced, np.array([C]), inputs=problem.all_inputs)
        self.column = (-1, 1) if law.members else (-1,)
        self.N, self.D = (np.asarray(v).reshape(-1) for v in (split.N, split.D))
        self.L = np.asarray(
            law(N=self._up(self.N), D=self._up(self.D), **problem.all_inputs)
        ).reshape(-1)
        bottom = needed(law, self._up(self.L), "N", "D", _WITHOUT_END, problem.all_inputs)
        self.least = np.asarray(bottom).reshape(-1) / self.N

    def _up(self, values: Numbers) -> Numbers:
        return values.reshape(self.column)

    def tokens(self, k: float) -> Numbers:
        """Return the D (s,) that k N takes to the same loss; infinite where none does."""
        D = needed(self.law, self._up(self.L), "D", "N", self._up(k * self.N), self.inputs)
        flat = np.asarray(D).reshape(-1)
        return np.where(np.isfinite(flat), flat, np.inf)

    def compute(self, k: float) -> Numbers:
        """Return the training C (s,) of k N at the same loss."""
        return np.asarray(self.cost.flop(k * self.N) * self.tokens(k))

    def overhead(self, k: float) -> Numbers:
        """Return the share of C (s,) that k N adds."""
        return np.asarray(self.compute(k) / (self.cost.flop(self.N) * self.D) - 1)


def _row(k: float, one: _Start, many: _Start | None, level: float) -> Smaller:
    def drawn(measure: Any) -> Estimate:
        return _estimate(measure(one), None if many is None else measure(many), level)

    lost = 0.0 if many is None else float(np.mean(~np.isfinite(many.tokens(k))))
    return Smaller(
        factor=k,
        N=k * float(one.N[0]),
        D=drawn(lambda s: s.tokens(k)),
        C=drawn(lambda s: s.compute(k)),
        data=drawn(lambda s: s.tokens(k) / s.D),
        overhead=drawn(lambda s: s.overhead(k)),
        out_of_reach=lost,
    )


def _estimate(value: Numbers, draws: Numbers | None, level: float) -> Estimate:
    """Return an estimate whose ends may be infinite: quantiles are draws, not between them."""
    if draws is None:
        return Estimate(float(value[0]))
    tail = (1 - level) / 2
    low = np.quantile(draws, tail, method="lower")
    high = np.quantile(draws, 1 - tail, method="higher")
    return Estimate(float(value[0]), float(low), float(high))
