"""What of a budget a plan takes, and how far the budget goes where it takes more."""

from __future__ import annotations

from dataclasses import replace

from isoflop.errors import Note, RefusedByData
from isoflop.plan.budget import in_cost
from isoflop.plan.limits import hold_budget
from isoflop.plan.result import Plan
from isoflop.quantities import show


def held_to_budget(plan: Plan, budget: str) -> Plan:
    """Return a plan that a budget, in words, pays for, with a note on the share that it takes.

    A budget in FLOP pays for training and serving. Raises RefusedByData for one that does not,
    with the least loss that it pays for; UsageError for a budget in another unit than the plan.
    """
    problem, cost = plan.problem, plan.priced
    C, amount, _ = in_cost(budget, cost)
    total = C * cost.training if C is not None else float(amount or 0.0)
    unit = cost.unit
    share = plan.cost.value / total
    if share > 1 + 1e-9:
        nearest = hold_budget(problem.law, cost, total, problem.limits, problem.all_inputs)
        N, D = float(nearest.N[0]), float(nearest.D[0])
        reached = f"it pays for N = {show(N)} on D = {show(D)} at best: {problem.loss(N, D):.4g}"
        raise RefusedByData(
            f"L = {plan.L.value:.4g} takes {show(plan.cost.value)} {unit}, {share:.3g} times the "
            f"budget of {show(total)} {unit}; {reached if D > 0 else 'serving alone takes more'}"
        )
    text = f"this takes {share:.1%} of the budget of {show(total)} {unit}"
    if plan.cost.high is not None and plan.cost.high > total:
        text += f", and {plan.cost.high / total:.1%} at the high end of its interval"
        return replace(plan, notes=(Note("doubt", "budget", text), *plan.notes))
    return replace(plan, notes=(*plan.notes, Note("info", "budget", text)))
