"""serve: the same quality, cheaper over the life of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.law_source import Model, model
from isoflop.commands.pricing import ProblemOptions, ServingOptions
from isoflop.commands.registry import Option, command
from isoflop.pages.serve import page_of
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOptions:
    """How good the model shall be: give one."""

    N: Annotated[float | None, Option("as good as a model of this size trained at its best")] = None
    C: Annotated[
        float | None,
        Option("as good as the best training run of so many FLOP", excludes=("budget",)),
    ] = None
    L: Annotated[float | None, Option("of this loss")] = None
    budget: Annotated[
        str | None,
        Option(
            'as good as the best training run that this pays for: "$50k", "2000 H100-hours"',
            "BUDGET",
        ),
    ] = None


@command(
    "serve",
    section="Plans",
    example="isoflop serve chinchilla/besiroglu2024 --N 70B --serving 2e12",
)
def serve(
    fit: Model,
    *,
    cost: ServingOptions,
    quality: QualityOptions = QualityOptions(),
    problem: ProblemOptions = ProblemOptions(),
) -> Report:
    """Find the model of a quality that is cheapest to train and serve.

    Set beside the model of that quality that is cheapest to train alone: a smaller one, trained
    on more data, saves with every token that it serves (Sardana et al. 2023).
    """
    from isoflop.plan.budget import parse_budget, training_flop
    from isoflop.plan.serve import serve as served

    source = model(fit, level=problem.level, growth=problem.growth)
    budget = quality.budget
    cost_model, assumed = cost.cost(None if budget is None else parse_budget(budget))
    C = quality.C if budget is None else training_flop(budget, cost_model)
    result = served(problem.problem(source, cost_model), N=quality.N, C=C, L=quality.L)
    return page_of(result, assumed)
