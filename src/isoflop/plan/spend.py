"""spend: a budget to its best run. reach: a loss to its cheapest run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, UsageError
from isoflop.law import Allocation, Published
from isoflop.plan.budget import in_cost
from isoflop.plan.cost import Cost
from isoflop.plan.limits import hold_budget, hold_loss, unreachable
from isoflop.plan.optimum import cheapest
from isoflop.plan.problem import Model, PlanningOptions, PlanningProblem, basis, problem_of
from isoflop.plan.result import Alternative, Estimate, Plan, Regret
from isoflop.plan.rounding import Question, alternatives, rounding_notes
from isoflop.plan.score import loss_for
from isoflop.quantities import refuse_impossible, show

FACTORS = (0.25, 0.5, 2.0, 4.0)


def spend(
    model: Model | PlanningProblem,
    C: float | None = None,
    *,
    budget: float | str | None = None,
    **options: Unpack[PlanningOptions],
) -> Plan:
    """Return the N and D of least loss for a budget, within limits.

    The budget is `budget` in the unit of the cost, or in words ("2000 H100-hours"), or what
    C [FLOP] of training would cost, and pays for the tokens that are served, too. The options are
    the fields of a `PlanningProblem`, which may stand in place of the model. The interval of L is
    that of a forecast of the planned run. N and D hold the scatter of the law, and of a pool what
    its laws disagree on.

    Raises UsageError for limits that contradict each other, and what `PlanningProblem` raises.
    """
    problem = problem_of(model, options)
    if isinstance(budget, str) and C is None:
        C, budget, cost = in_cost(budget, problem.cost)
        problem = replace(problem, cost=cost)
    if isinstance(budget, str) or (C is None) == (budget is None):
        raise UsageError("give one budget: C in FLOP, or budget in the unit of the cost")
    refuse_impossible("budget" if C is None else "C", budget or 0.0 if C is None else C)
    cost, within = problem.priced, problem.limits
    if cost.serving is None and "C" in (problem.at_most or {}):
        raise UsageError("a limit on C beside a budget of training alone: give the smaller one")
    total = C * cost.training if C is not None else float(budget or 0.0)
    split = hold_budget(problem.law, cost, total, within, problem.all_inputs)
    rest = problem.answering(float(split.N[0]), float(split.D[0]))
    if rest is not problem:
        problem = rest
        split = hold_budget(problem.law, cost, total, within, problem.all_inputs)
    many = None
    if problem.draws is not None:
        many = hold_budget(problem.draws, cost, total, within, problem.all_inputs)
    answer = _Answer(_said(problem, C, total), split, many)
    return _planned(problem, answer, total)


def reach(
    model: Model | PlanningProblem,
    L: float,
    *,
    through: Model | None = None,
    **options: Unpack[PlanningOptions],
) -> Plan:
    """Return the N and D that reach loss L, or whatever the law predicts, at the least cost.

    The options are the fields of a `PlanningProblem`, which may stand in place of the model. With
    a law `through` which the loss gives a score, L is that score. Intervals hold what a run may
    come to beside the law: its noise, and the error of the form.

    Raises RefusedByData for a loss below what the law can reach, with the nearest; UsageError for
    limits that contradict each other, and what `PlanningProblem` raises.
    """
    score, L = L, L if through is None else loss_for(L, through)
    refuse_impossible("L", L)
    problem = problem_of(model, options)
    cost, within = problem.priced, problem.limits
    split = hold_loss(problem.law, cost, L, within, problem.all_inputs)
    if not _is_met(split):
        rest = problem.reaching(
            lambda law: _is_met(hold_loss(law, cost, L, within, problem.all_inputs))
        )
    else:
        rest = problem.answering(float(split.N[0]), float(split.D[0]))
    if rest is not problem:
        problem = rest
        split = hold_loss(problem.law, cost, L, within, problem.all_inputs)
    if not _is_met(split):
        raise unreachable(problem.law, cost, L, within, problem.all_inputs)
    many: Allocation | None = None
    notes: list[Note] = []
    if problem.draws is not None:
        error_s1 = problem.errors(float(split.N[0]), float(split.D[0]))
        many = hold_loss(problem.draws, cost, L * np.exp(-error_s1), within, problem.all_inputs)
        notes += _missed(many, L)
    if through is not None:
        notes.append(_score_note(score, L, through))
    question = f"the least {_cost_words(cost)} for a loss of {L:g}"
    fixed_loss = None if problem.at_least else L  # a least N or D may make the loss lower
    answer = _Answer(question, split, many, tuple(notes), fixed_loss, reached=True)
    return _planned(problem, answer, float(cost(split.N[0], split.D[0])))


@dataclass(frozen=True, eq=False)
class _Answer:
    """The split of a problem and its draws (s,); `loss` is the one that was asked for, if any."""

    question: str
    split: Allocation
    many: Allocation | None
    notes: tuple[Note, ...] = ()
    loss: float | None = None
    reached: bool = False


def _planned(problem: PlanningProblem, answer: _Answer, total: float) -> Plan:
    """Return the plan of an answer, which costs `total` [unit of the cost]."""
    split, many, cost, level = answer.split, answer.many, problem.priced, problem.interval_level
    N, D = float(split.N[0]), float(split.D[0])
    loss = problem.loss(N, D)
    others, rounding = _siblings(problem, total)
    return Plan(
        question=answer.question,
        N=Estimate.of(N, many and many.N, level),
        D=Estimate.of(D, many and many.D, level),
        C=Estimate.of(cost.flop(N) * D, many and cost.flop(many.N) * many.D, level),
        L=Estimate.of(loss, _losses(problem, N, D, answer.loss), level),
        cost=Estimate.of(cost(N, D), many and cost(many.N, many.D), level),
        level=level,
        binding=problem.limits.binding(cost, N, D),
        regret=_regret(problem, N, D, loss),
        notes=_in_order((*answer.notes, *rounding), basis(problem, N, D)),
        priced=cost,
        bill=cost.bill(N, D),
        problem=problem,
        reached=answer.reached,
        inputs=tuple(problem.all_inputs.items()),
        alternatives=others,
    )


def _is_met(split: Allocation) -> bool:
    """Return whether a split is one of finite N and D."""
    return bool(np.isfinite(float(split.N[0]) * float(split.D[0])))


def _missed(many: Allocation, L: float) -> tuple[Note, ...]:
    """Return a note on the draws that never come to a loss, where there are any."""
    missed = float(np.mean(~np.isfinite(many.N * many.D)))
    text = f"{missed:.0%} of the draws never reach L = {L:g}; intervals leave them out"
    return (Note("info", "unreached", text),) if missed else ()


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
    cost, total = problem.priced, float(problem.priced(N, D))
    factors = np.array(FACTORS)
    tokens = np.asarray(cost.tokens_for(total, factors * N))
    factors, tokens = factors[tokens > 0], tokens[tokens > 0]
    worse = np.asarray(problem.law(N=factors * N, D=tokens, **problem.all_inputs))
    least = cheapest(problem.law, cost, worse, inputs=problem.all_inputs)
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
    problem: PlanningProblem, total: float
) -> tuple[tuple[Alternative, ...], tuple[Note, ...]]:
    """Return what other published constants answer, and what rounding does, where it is coarse."""
    if not isinstance(problem.model, Published) or problem.worth:
        return (), ()
    question = Question(problem.priced, total, problem.limits, tuple(problem.all_inputs.items()))
    others = alternatives(problem.model, question)
    return others, rounding_notes(problem.model, question, others)


def _said(problem: PlanningProblem, C: float | None, total: float) -> str:
    also = _serving_words(problem.priced)
    unit = problem.priced.unit
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
