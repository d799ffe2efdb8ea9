"""plan and reach: the best run for a budget, and the cheapest run for a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.law_source import Model, model
from isoflop.commands.pricing import CostOptions, ProblemOptions, family
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.plan import TrainingOutput, page_of
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.plan import Plan

Emit = Annotated[
    Literal["nanochat", "torchtitan", "hf", "json"] | None,
    Option("write the run as the configuration of a trainer"),
]

Rule = Annotated[str, Option("the rule for the learning rate", "RULE", needs=("emit",))]
Through = Annotated[
    str | None,
    Option("a fit of that score over the loss, saved with --out", "FIT", needs=("score",)),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """Which configuration is written, and where."""

    emit: Emit = None
    out: Annotated[str | None, Option("where --emit writes", "FILE", needs=("emit",))] = None
    rule: Rule = "step-law2025"
    chips: Annotated[int, Option("accelerators that train together", least=1, needs=("emit",))] = 8


@command(
    "plan",
    example="isoflop plan chinchilla/besiroglu2024 --C 5.76e23 --at-most D=3e12",
)
def plan(
    fit: Model,
    *,
    C: Annotated[float | None, Option("the budget [FLOP], or what it would cost in money")] = None,
    budget: Annotated[float | None, Option("the budget in USD or kWh, in place of C")] = None,
    cost: CostOptions = CostOptions(),
    problem: ProblemOptions = ProblemOptions(),
    output: TrainingOptions = TrainingOptions(),
) -> Report:
    """Plan the run of least loss that a budget pays for.

    The budget pays for training at C = 6ND, unless the law or --count says otherwise, and for
    the tokens of --serving. With --emit the answer comes as a configuration, too.
    """
    from isoflop.plan import spend

    source = model(fit, level=problem.level, growth=problem.growth)
    cost_model, assumed = cost.cost()
    plan = spend(
        source,
        C,
        budget=budget,
        cost=cost_model,
        unique=problem.unique,
        given=problem.given,
        at_most=problem.at_most,
        at_least=problem.at_least,
        convention=problem.count,
        family=family(problem.shapes, output.emit is not None),
        level=problem.level,
        growth=problem.growth,
    )
    run = TrainingOutput(
        emit=output.emit,
        out=output.out,
        rule=output.rule,
        chips=output.chips,
        chip=cost.chip,
        shapes=problem.shapes,
    )
    return run.written(source, plan, page_of(plan, assumed=assumed))


@command("reach", example="isoflop reach chinchilla/besiroglu2024 --L 2.0")
def reach(
    fit: Model,
    *,
    L: Annotated[float | None, Option("the loss to reach, in the unit of the law")] = None,
    score: Annotated[float | None, Option("a score to reach, in place of L")] = None,
    through: Through = None,
    cost: CostOptions = CostOptions(),
    problem: ProblemOptions = ProblemOptions(),
) -> Report:
    """Find the cheapest run that reaches a loss.

    The cost is that of training at C = 6ND, unless the law or --count says otherwise, and of the
    tokens of --serving.
    """
    from isoflop import plan as planning

    target = L if L is not None else score
    if target is None or (L is None) == (score is None) or (score is None) != (through is None):
        raise UsageError("say what to reach: --L, or --score and the law --through it")
    source = model(fit, level=problem.level, growth=problem.growth)
    cost_model, assumed = cost.cost()
    plan: Plan = planning.reach(
        source,
        target,
        through=None if through is None else model(through),
        cost=cost_model,
        unique=problem.unique,
        given=problem.given,
        at_most=problem.at_most,
        at_least=problem.at_least,
        convention=problem.count,
        family=family(problem.shapes),
        level=problem.level,
        growth=problem.growth,
    )
    return page_of(plan, assumed=assumed)
