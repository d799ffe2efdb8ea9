"""spend: a budget to its best run. reach: a loss to its cheapest run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.accounting import ModelFamily
from isoflop.arrays import Numbers
from isoflop.errors import Note, UsageError
from isoflop.law import Allocation, LossLaw, Published
from isoflop.plan.budget import in_cost
from isoflop.plan.cost import Cost, Serving
from isoflop.plan.limits import Limits, hold_budget, hold_loss, limits, unreachable
from isoflop.plan.optimum import cheapest
from isoflop.plan.problem import (
    Model,
    PlanningProblem,
    ask,
    basis,
    rising_left_out,
    unreaching_left_out,
)
from isoflop.plan.result import Alternative, Estimate, Plan, Regret
from isoflop.plan.rounding import Question, alternatives, rounding_notes
from isoflop.plan.score import loss_for
from isoflop.quantities import show

FACTORS = (0.25, 0.5, 2.0, 4.0)


def spend(
    model: Model,
    C: float | None = None,
    *,
    budget: float | str | None = None,
    cost: Cost | None = None,
    serving: float | Serving | None = None,
    unique: float | None = None,
    inputs: Mapping[str, float] | None = None,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
    convention: Mapping[str, str] | None = None,
    family: ModelFamily | None = None,
    level: float | None = None,
    growth: float | None = None,
) -> Plan:
    """Return the N and D of least loss for a budget, within limits.

    The budget is `budget` in the unit of `cost`, or in words ("2000 H100-hours"), or what C [FLOP]
    of training would cost, and pays for the tokens that are served, too. `unique` tokens are
    repeated where D exceeds them. For `at_most` and `at_least` see `limits`, for `convention` and
    `family` see `counting`. The interval of L is that of a forecast of the planned run, `growth`
    included: see `forecast`. N and D hold the scatter of the law, and of a pool what its laws
    disagree on.

    Raises NoOptimum for a law without N and D, UsageError for limits that contradict each other,
    RefusedByData for a fit that was refused, ConventionMismatch for counts that differ.
    """
    if isinstance(budget, str) and C is None:
        C, budget, cost = in_cost(budget, cost)
    if isinstance(budget, str) or (C is None) == (budget is None):
        raise UsageError("give one budget: C in FLOP, or budget in the unit of the cost")
    numbers: dict[str, float] = {"C": C} if C is not None else {"budget": budget or 0.0}
    problem = ask(
        model,
        numbers,
        cost=cost,
        serving=serving,
        unique=unique,
        inputs=inputs,
        convention=convention,
        family=family,
        level=level,
        growth=growth,
    )
    priced = problem.cost
    if priced.serving is None and "C" in (at_most or {}):
        raise UsageError("a limit on C beside a budget of training alone: give the smaller one")
    within = limits(at_most, at_least, priced, problem.inputs)
    total = C * priced.training if C is not None else float(budget or 0.0)
    split = hold_budget(problem.law, priced, total, within, problem.inputs)
    if rest := _rest(problem, split):
        problem = rest
        split = hold_budget(problem.law, priced, total, within, problem.inputs)
    many = None
    if problem.draws is not None:
        many = hold_budget(problem.draws, priced, total, within, problem.inputs)
    others, notes = _siblings(
        problem, Question(priced, total, within, tuple(problem.inputs.items()))
    )
    return _planned(
        question=_said(problem, C, total),
        problem=problem,
        within=within,
        split=split,
        many=many,
        notes=notes,
        others=others,
    )


def reach(
    model: Model,
    L: float,
    *,
    through: Model | None = None,
    cost: Cost | None = None,
    serving: float | Serving | None = None,
    unique: float | None = None,
    inputs: Mapping[str, float] | None = None,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
    convention: Mapping[str, str] | None = None,
    family: ModelFamily | None = None,
    level: float | None = None,
    growth: float | None = None,
) -> Plan:
    """Return the N and D that reach loss L, or whatever the law predicts, at the least cost.

    The cost is the training FLOP unless `cost` or `serving` say more; see `spend`. With a law
    `through` which the loss gives a score, L is that score. Intervals hold what a run may come to
    beside the law: its noise, and the error of the form (`growth`, see `forecast`).

    Raises RefusedByData for a loss below what the law can reach, with the nearest; NoOptimum,
    UsageError and ConventionMismatch as `spend` does.
    """
    score, L = L, L if through is None else loss_for(L, through)
    problem = ask(
        model,
        {"L": L},
        cost=cost,
        serving=serving,
        unique=unique,
        inputs=inputs,
        convention=convention,
        family=family,
        level=level,
        growth=growth,
    )
    within = limits(at_most, at_least, problem.cost, problem.inputs)
    split = hold_loss(problem.law, problem.cost, L, within, problem.inputs)
    if rest := _rest(problem, split) or _reaching(problem, split, L, within):
        problem = rest
        split = hold_loss(problem.law, problem.cost, L, within, problem.inputs)
    if not np.isfinite(split.N[0] * split.D[0]):
        raise unreachable(problem.law, L, within, problem.inputs)
    many = None
    notes: tuple[Note, ...] = ()
    if problem.draws is not None:
        error_s1 = problem.errors(float(split.N[0]), float(split.D[0]))
        target_s1 = L * np.exp(-error_s1)
        many = hold_loss(problem.draws, problem.cost, target_s1, within, problem.inputs)
        notes = _missed(many, L)
    total = float(problem.cost(split.N[0], split.D[0]))
    others, rounded = _siblings(
        problem, Question(problem.cost, total, within, tuple(problem.inputs.items()))
    )
    if through is not None:
        notes = (*notes, _score_note(score, L, through))
    question = f"the least {_cost_words(problem.cost)} for a loss of {L:g}"
    fixed_loss = None if at_least else L  # where a least N or D is asked for, the loss may be lower
    return _planned(
        question=question,
        problem=problem,
        within=within,
        split=split,
        many=many,
        notes=(*notes, *rounded),
        others=others,
        at=fixed_loss,
        reached=True,
    )


def _planned(
    question: str,
    problem: PlanningProblem,
    within: Limits,
    split: Allocation,
    many: Allocation | None,
    notes: tuple[Note, ...],
    others: tuple[Alternative, ...],
    at: float | None = None,
    reached: bool = False,
) -> Plan:
    """Return the plan of a split and of its draws (s,); `at` is the loss where that was asked."""
    N, D, cost, level = float(split.N[0]), float(split.D[0]), problem.cost, problem.level
    loss = problem.loss(N, D)
    return Plan(
        question=question,
        N=Estimate.of(N, many and many.N, level),
        D=Estimate.of(D, many and many.D, level),
        C=Estimate.of(cost.flop(N) * D, many and cost.flop(many.N) * many.D, level),
        L=Estimate.of(loss, _losses(problem, N, D, at), level),
        cost=Estimate.of(cost(N, D), many and cost(many.N, many.D), level),
        level=level,
        binding=within.binding(cost, N, D),
        regret=_regret(problem, N, D, loss),
        notes=_in_order(notes, basis(problem, N, D)),
        priced=cost,
        bill=cost.bill(N, D),
        problem=problem,
        reached=reached,
        inputs=tuple(problem.inputs.items()),
        alternatives=others,
    )


def _rest(problem: PlanningProblem, split: Allocation) -> PlanningProblem | None:
    """Return the problem without members of a pool that say nothing at a split; None if all do."""
    N, D = float(split.N[0]), float(split.D[0])
    return rising_left_out(problem, N, D) if np.isfinite(N * D) else None


def _reaching(
    problem: PlanningProblem, split: Allocation, L: float, within: Limits
) -> PlanningProblem | None:
    """Return the problem without members of a pool that keep it from a loss; None if none do."""
    if np.isfinite(float(split.N[0]) * float(split.D[0])):
        return None

    def reaches(law: LossLaw) -> bool:
        alone = hold_loss(law, problem.cost, L, within, problem.inputs)
        return bool(np.isfinite(float(alone.N[0]) * float(alone.D[0])))

    return unreaching_left_out(problem, reaches)


def _missed(many: Allocation, L: float) -> tuple[Note, ...]:
    missed = float(np.mean(~np.isfinite(many.N * many.D)))
    if not missed:
        return ()
    return (
        Note(
            "info",
            "unreached",
            f"{missed:.0%} of the draws never reach L = {L:g}; intervals leave them out",
        ),
    )


def _in_order(own_notes: tuple[Note, ...], rest: tuple[Note, ...]) -> tuple[Note, ...]:
    """Return notes with a caution of the constants first."""
    cautions = tuple(n for n in rest if n.topic == "caution")
    return (*cautions, *own_notes, *(n for n in rest if n.topic != "caution"))


def _losses(problem: PlanningProblem, N: float, D: float, at: float | None) -> Numbers | None:
    """Return draws of the loss of the planned run, or the loss (1,) that was asked for."""
    losses = problem.losses(N, D)
    return losses if at is None or losses is None else np.array([at])


def _regret(problem: PlanningProblem, N: float, D: float, loss: float) -> tuple[Regret, ...]:
    """Return what other N cost at the same budget; none that the budget does not pay for."""
    cost, total = problem.cost, float(problem.cost(N, D))
    factors = np.array(FACTORS)
    tokens = np.asarray(cost.tokens_for(total, factors * N))
    factors, tokens = factors[tokens > 0], tokens[tokens > 0]
    worse = np.asarray(problem.law(N=factors * N, D=tokens, **problem.inputs))
    least = cheapest(problem.law, cost, worse, inputs=problem.inputs)
    shares = np.asarray(cost(least.N, least.D)) / total
    return tuple(
        Regret(
            float(k),
            float(k * N),
            float(d),
            float(w),
            float(w - loss),
            float(s) if np.isfinite(s) else None,
        )
        for k, d, w, s in zip(factors, tokens, worse, shares, strict=True)
    )


def _siblings(
    problem: PlanningProblem, question: Question
) -> tuple[tuple[Alternative, ...], tuple[Note, ...]]:
    """Return what other published constants answer, and what rounding does, where it is coarse."""
    if not isinstance(problem.model, Published):
        return (), ()
    others = alternatives(problem.model, question)
    return others, rounding_notes(problem.model, question, others)


def _said(problem: PlanningProblem, C: float | None, total: float) -> str:
    also = _serving_words(problem.cost)
    unit = problem.cost.unit
    if C is not None and unit == "FLOP":
        return f"the least loss for {show(C)} FLOP{also}"
    of = f" (what {show(C)} FLOP of training cost)" if C is not None else ""
    return f"the least loss for {show(total)} {unit}{of}{also}"


def _cost_words(cost: Cost) -> str:
    return ("compute" if cost.unit == "FLOP" else cost.unit) + _serving_words(cost)


def _score_note(score: float, L: float, through: Model) -> Note:
    return Note(
        "info",
        "score",
        f"a score of {score:g} takes L = {L:.4g} by {through.law.key}, whose own error is not in "
        "the intervals",
    )


def _serving_words(cost: Cost) -> str:
    if cost.serving is None:
        return ""
    return f", {show(cost.serving.tokens)} tokens served included"
