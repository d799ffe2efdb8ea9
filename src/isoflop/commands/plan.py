"""plan and reach: the best run for a budget, and the cheapest run for a loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.law_source import Model, model
from isoflop.commands.pricing import BudgetText, CostOptions, ProblemOptions
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError, brief
from isoflop.pages.plan import TrainingOutput, page_of
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.plan import Plan, PlanningProblem

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


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountOptions:
    """What may be spent."""

    C: Annotated[float | None, Option("the budget [FLOP], or what it would cost in money")] = None
    budget: Annotated[
        str | None,
        Option(
            'what may be spent, with its unit: "2000 GPU-hours", "$50k", "3 weeks on 64 H100", '
            '"100 PF-days", "5 MWh"',
            "BUDGET",
            excludes=("C",),
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedOptions:
    """What of the answer is fixed, and what stands beside it."""

    N: Annotated[
        float | None, Option("train a model of this size, and say what that costs", excludes=("D",))
    ] = None
    D: Annotated[float | None, Option("train on so many tokens, and say what that costs")] = None
    ratio: Annotated[
        float | None,
        Option("train on so many tokens per parameter, such as 20", excludes=("N", "D")),
    ] = None
    compare: Annotated[
        bool, Option("show what Kaplan, Chinchilla, Llama 3 and 20 tokens per parameter answer")
    ] = False

    @property
    def fixed(self) -> dict[str, float]:
        """The quantities that are fixed, by name."""
        named = {"N": self.N, "D": self.D, "ratio": self.ratio}
        return {name: value for name, value in named.items() if value is not None}

    def within(
        self, problem: PlanningProblem, C: float | None, budget: str | None
    ) -> PlanningProblem:
        """Return the problem with what is fixed at its least and at its most.

        Raises UsageError for a quantity that is limited and fixed.
        """
        from isoflop.plan.rules import fixed_sizes

        if not self.fixed:
            return problem
        sizes = fixed_sizes(self.fixed, problem.priced, C if budget is None else budget)
        for name in sizes:
            if name in {**(problem.at_most or {}), **(problem.at_least or {})}:
                raise UsageError(f"{name} is fixed, and limited too; leave out one of them")
        return replace(
            problem,
            at_most={**(problem.at_most or {}), **sizes},
            at_least={**(problem.at_least or {}), **sizes},
        )

    def compared(self, plan: Plan, page: Report) -> Report:
        """Return the page with the answers of rules beside the plan, where they are asked for."""
        from isoflop.pages.rules import with_rules
        from isoflop.plan.rules import compare_rules

        if not (self.fixed or self.compare):
            return page
        problem = plan.problem
        rules = compare_rules(
            problem.model,
            plan.C.value,
            serving=problem.priced.serving,
            unique=problem.unique,
            worth=problem.worth,
            inputs=problem.inputs,
            fixed=self.fixed,
        )
        return with_rules(page, rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions(FixedOptions):
    """What is fixed of the model: its size or tokens, or its experts and how many a token meets."""

    experts: Annotated[
        str | None,
        Option(
            "a mixture of so many experts, or auto for the best count within the limits",
            "COUNT|auto",
            excludes=("N", "D", "ratio", "compare", "emit"),
        ),
    ] = None
    top_k: Annotated[
        int, Option("experts that a token meets", least=1, most=512, needs=("experts",))
    ] = 1

    @property
    def count(self) -> int | Literal["auto"]:
        """The count of experts; raises UsageError for what is none."""
        text = (self.experts or "").strip()
        if text == "auto":
            return "auto"
        if not text.isascii() or not text.isdigit() or len(text) > 6:
            raise UsageError(
                f"--experts is {brief(text)}; it is a whole number, such as 8, or auto"
            )
        return int(text)


@command(
    "plan",
    section="Begin here",
    example="isoflop plan chinchilla/besiroglu2024 --C 5.76e23 --at-most D=3e12",
)
def plan(
    fit: Model,
    *,
    amount: AmountOptions = AmountOptions(),
    cost: CostOptions = CostOptions(),
    fixed: ModelOptions = ModelOptions(),
    problem: ProblemOptions = ProblemOptions(),
    output: TrainingOptions = TrainingOptions(),
) -> Report:
    """Plan the run of least loss that a budget pays for.

    The budget pays for training at C = 6ND, unless the law or --count says otherwise, and for
    the tokens of --serving. With --emit the answer comes as a configuration, too.
    """
    from isoflop.pages.experts import page_of as page_of_experts
    from isoflop.plan import choose_experts, parse_budget, spend

    C, budget = amount.C, amount.budget
    source = model(fit, level=problem.level, growth=problem.growth)
    cost_model, assumed = cost.cost(None if budget is None else parse_budget(budget))
    if fixed.experts is not None:
        choice = choose_experts(
            source,
            C,
            budget=budget,
            experts=fixed.count,
            top_k=fixed.top_k,
            **problem.options(cost_model),
        )
        return page_of_experts(choice, assumed)
    question = problem.problem(source, cost_model, written=output.emit is not None)
    plan = spend(fixed.within(question, C, budget), C, budget=budget)
    run = TrainingOutput(
        emit=output.emit,
        out=output.out,
        rule=output.rule,
        chips=output.chips,
        chip=cost.chip,
        shapes=problem.shapes,
    )
    page = fixed.compared(plan, page_of(plan, assumed=assumed))
    return run.written(source, plan, page)


@dataclass(frozen=True, slots=True, kw_only=True)
class AimOptions:
    """What is to be reached."""

    L: Annotated[float | None, Option("the loss to reach, in the unit of the law")] = None
    score: Annotated[float | None, Option("a score to reach, in place of L")] = None
    through: Through = None

    @property
    def value(self) -> float:
        """The loss or the score; raises UsageError unless one is stated, a score with its law."""
        value = self.L if self.L is not None else self.score
        both = (self.L is None) == (self.score is None)
        if value is None or both or (self.score is None) != (self.through is None):
            raise UsageError("say what to reach: --L, or --score and the law --through it")
        return value


@command("reach", section="Plans", example="isoflop reach chinchilla/besiroglu2024 --L 2.0")
def reach(
    fit: Model,
    *,
    target: AimOptions = AimOptions(),
    budget: BudgetText = None,
    cost: CostOptions = CostOptions(),
    problem: ProblemOptions = ProblemOptions(),
) -> Report:
    """Find the cheapest run that reaches a loss.

    The cost is that of training at C = 6ND, unless the law or --count says otherwise, and of the
    tokens of --serving. With --budget the cost is in its unit, and the answer is held against it.
    """
    from isoflop import plan as planning

    value = target.value
    source = model(fit, level=problem.level, growth=problem.growth)
    cost_model, assumed = cost.cost(None if budget is None else planning.parse_budget(budget))
    plan: Plan = planning.reach(
        problem.problem(source, cost_model),
        value,
        through=None if target.through is None else model(target.through),
    )
    if budget is not None:
        plan = planning.held_to_budget(plan, budget)
    return page_of(plan, assumed=assumed)
