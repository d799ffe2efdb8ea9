"""serve: the same quality, trained smaller and longer, when the tokens served are paid for too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.law import LossLaw
from isoflop.plan.cost import Cost
from isoflop.plan.optimum import best, cheapest
from isoflop.plan.problem import Model, PlanningOptions, PlanningProblem, problem_of
from isoflop.plan.result import Estimate, Plan
from isoflop.plan.search import golden
from isoflop.plan.spend import reach
from isoflop.quantities import refuse_impossible, show
from isoflop.report.display import Displayed


@dataclass(frozen=True)
class Served(Displayed):
    """The cheapest model of a quality over its life, beside the one that is cheapest to train.

    `quality` is the loss of both. `saving` is the share of the cost of the latter, in the unit of
    `plan.priced`, that the former does without, and `more_data` the factor of its tokens.
    """

    quality: float
    plan: Plan
    N: Estimate
    D: Estimate
    cost: Estimate
    saving: Estimate
    more_data: Estimate

    @property
    def excess(self) -> float:
        """The share by which the model that is cheapest to train costs more over its life."""
        return self.cost.value / self.plan.cost.value - 1


def serve(
    model: Model | PlanningProblem,
    *,
    N: float | None = None,
    C: float | None = None,
    L: float | None = None,
    **options: Unpack[PlanningOptions],
) -> Served:
    """Return the model that is cheapest to train and serve, at the quality of another.

    The quality is a loss L, or that of the best training run of C [FLOP], or of N [params] at the
    C that it is best for. The options, `serving` among them, are the fields of a
    `PlanningProblem`, which may stand in place of the model.

    Raises UsageError unless exactly one of N, C and L is given and tokens are served, and what
    `reach` raises.
    Source: Sardana et al. 2023, arXiv:2401.00448.
    """
    wanted = {k: v for k, v in (("N", N), ("C", C), ("L", L)) if v is not None}
    if len(wanted) != 1:
        raise UsageError("say one quality: N of a model trained at its best, its C, or a loss L")
    for name, value in wanted.items():
        refuse_impossible(name, value)
    problem = problem_of(model, options)
    if problem.priced.serving is None:
        raise UsageError("nothing is served: give the tokens of the life of the model (serving)")
    quality = _quality(problem, wanted)
    plan = reach(problem, quality)
    problem = plan.problem  # of a pool the laws that have an answer
    one, many = _compared(problem, problem.law, quality), None
    if problem.draws is not None:
        error_s1 = problem.errors(float(plan.N.value), float(plan.D.value))
        many = _compared(problem, problem.draws, quality * np.exp(-error_s1))
    estimates = [
        Estimate.of(v, m, problem.interval_level)
        for v, m in zip(one, many or (None,) * 5, strict=True)
    ]
    least_cost = float(plan.cost.value)
    estimates[3] = Estimate(
        1 - least_cost / estimates[2].value, estimates[3].low, estimates[3].high
    )
    estimates[4] = Estimate(plan.D.value / estimates[1].value, estimates[4].low, estimates[4].high)
    return Served(quality, plan, *estimates)


def _compared(
    problem: PlanningProblem, law: LossLaw, quality: float | Numbers
) -> tuple[Numbers, ...]:
    """Return N, D and cost (s,) of the model that is cheapest to train, saving, more data."""
    cost, loss = problem.priced, np.atleast_1d(quality)
    alone = _training(cost)
    first = cheapest(law, alone, loss, inputs=problem.all_inputs)
    second = cheapest(law, cost, loss, inputs=problem.all_inputs)
    before, after = cost(first.N, first.D), cost(second.N, second.D)
    return first.N, first.D, before, 1 - after / before, second.D / first.D


def _quality(problem: PlanningProblem, wanted: Mapping[str, float]) -> float:
    """Return the loss of the best training run of C, or of N at its best."""
    if "L" in wanted:
        return wanted["L"]
    alone = _training(problem.priced)
    if "C" in wanted:
        split = best(problem.law, alone, np.array([wanted["C"]]), inputs=problem.all_inputs)
        return problem.loss(split.N[0], split.D[0])
    return problem.loss(wanted["N"], best_tokens(problem, alone, wanted["N"]))


def best_tokens(problem: PlanningProblem, cost: Cost, N: float) -> float:
    """Return the D [tokens] of the budget at which N [params] are best.

    Raises UsageError where no budget makes this N best.
    """

    def off(x: Numbers) -> Numbers:
        C = np.exp(x)
        N_best = np.asarray(best(problem.law, cost, C, inputs=problem.all_inputs).N)
        return np.abs(np.log(N_best / N))

    C = np.exp(golden(off, np.array([np.log(1e10)]), np.array([np.log(1e36)])))
    if off(np.log(C))[0] > 1e-3:
        raise UsageError(f"no budget makes N = {show(N)} the best size by this law")
    return float(np.ravel(cost.tokens_for(C, N))[0])


def _training(cost: Cost) -> Cost:
    return Cost(counting=cost.counting, active=cost.active)
