"""What the field's rules answer to one budget, each judged by the law at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.atlas import Spread
from isoflop.errors import Note, UnknownName, UsageError
from isoflop.law import constants
from isoflop.plan.budget import in_cost
from isoflop.plan.cost import FLOP_PER_PARAM_TOKEN, Cost, Serving
from isoflop.plan.optimum import best, cheapest, optimum
from isoflop.plan.problem import Model, PlanningProblem
from isoflop.plan.search import bisect
from isoflop.plan.serve import serve
from isoflop.quantities import refuse_impossible, show
from isoflop.report.display import Displayed

TOKENS_PER_PARAMETER = 20.0  # Hoffmann et al. 2022: about what their table 3 amounts to

SizeRule = Callable[[float], float]  # from C [FLOP] to N [params]


def _fixed_ratio(ratio: float) -> SizeRule:
    return lambda C: float(np.sqrt(C / (FLOP_PER_PARAM_TOKEN * ratio)))


def _of_size(name: str) -> SizeRule:
    return lambda C: float(constants(name).law(C))


def _of_tokens(name: str) -> SizeRule:
    return lambda C: C / (FLOP_PER_PARAM_TOKEN * float(constants(name).law(C)))


def _of_law(name: str) -> SizeRule:
    return lambda C: float(optimum(constants(name).law, C).N)


RULES: Mapping[str, SizeRule] = MappingProxyType(
    {
        "20 tokens per parameter": _fixed_ratio(TOKENS_PER_PARAMETER),
        "Kaplan 2020": _of_size("power/kaplan2020-n-of-c"),
        "Chinchilla 2022, approach 1": _of_size("power/hoffmann2022-n-of-c"),
        "Chinchilla 2022, approach 3 as printed": _of_law("chinchilla/hoffmann2022"),
        "Chinchilla, refitted 2024": _of_law("chinchilla/besiroglu2024"),
        "Llama 3 2024": _of_tokens("power/llama3-2024-d-of-c"),
    }
)


@dataclass(frozen=True)
class RuleAnswer:
    """The N [params] and D [tokens] of a rule, and the loss L that the law at hand gives there.

    `excess` is the loss above the law's own optimum of the budget. `share` is the share of the
    budget that reaches the same loss at its own optimum, 1 where nothing is wasted; None where no
    budget gives that loss. `lifetime` [FLOP] is what training and serving take together.
    """

    rule: str
    N: float
    D: float
    L: float
    excess: float
    share: float | None
    lifetime: float


@dataclass(frozen=True, eq=False, repr=False)
class RuleComparison(Displayed):
    """The answers to a budget of C [FLOP]: the law's own first, then those of the field's rules."""

    problem: PlanningProblem
    C: float
    answers: tuple[RuleAnswer, ...]
    notes: tuple[Note, ...]


def size_at_ratio(cost: Cost, budget: float, ratio: float) -> float:
    """Return the N [params] that a budget [unit of `cost`] trains on `ratio` tokens each.

    Raises UsageError for a ratio that is not above zero.
    """
    refuse_impossible("ratio", ratio)

    def paid(x: Numbers) -> npt.NDArray[np.bool_]:
        N = np.exp(x)
        return np.asarray(cost(N, ratio * N) >= budget)

    return float(np.exp(bisect(paid, np.zeros(1), np.full(1, 80.0)))[0])


def fixed_sizes(
    fixed: Mapping[str, float], cost: Cost, budget: float | str | None
) -> dict[str, float]:
    """Return the N [params] or D [tokens] that `fixed` comes to: a ratio fixes N at a budget.

    The budget is C [FLOP], or in words. Raises UsageError for a ratio without a budget.
    """
    if "ratio" not in fixed:
        return dict(fixed)
    if budget is None:
        raise UsageError("give one budget: a ratio alone says no size")
    C, amount, _ = (budget, None, cost) if not isinstance(budget, str) else in_cost(budget, cost)
    total = C * cost.training if C is not None else float(amount or 0.0)
    return {"N": size_at_ratio(cost, total, fixed["ratio"])}


def compare_rules(
    model: Model,
    C: float,
    *,
    serving: float | Serving | None = None,
    unique: float | None = None,
    worth: Mapping[str, Spread] | None = None,
    inputs: Mapping[str, float] | None = None,
    fixed: Mapping[str, float] | None = None,
) -> RuleComparison:
    """Return what rules of the field answer to C [FLOP], and what each costs by the law at hand.

    With `serving` [tokens] the model of the same quality that is cheapest over its life stands
    beside them. `fixed` adds answers with N [params], D [tokens] or the "ratio" of D to N fixed.
    Rules count C as 6ND and N as their papers do, which the notes say where it differs.

    Raises what `spend` raises, UnknownName and UsageError for what cannot be fixed.
    """
    own_rules = {
        _name(symbol, value): _fixed(symbol, value, C) for symbol, value in (fixed or {}).items()
    }
    refuse_impossible("C", C)
    problem = PlanningProblem(model, serving=serving, unique=unique, worth=worth, inputs=inputs)
    answer = best(problem.law, _training(problem), np.array([C]), inputs=problem.all_inputs)
    N, D = float(answer.N[0]), float(answer.D[0])
    least = problem.loss(N, D)
    rows = [_answer(problem, "the law at hand", N, D, least)]
    if serving is not None:
        over_life = serve(problem, C=C).plan
        at = over_life.N.value, over_life.D.value
        rows.append(_answer(problem, "the same quality, serving counted", *at, least))
    for rule, size in {**own_rules, **RULES}.items():
        chosen = size(C)
        rows.append(_answer(problem, rule, chosen, C / (FLOP_PER_PARAM_TOKEN * chosen), least))
    return RuleComparison(problem, C, tuple(rows), _notes(problem))


def _name(symbol: str, value: float) -> str:
    return f"{value:g} tokens per parameter" if symbol == "ratio" else f"{symbol} = {show(value)}"


def _fixed(symbol: str, value: float, C: float) -> SizeRule:
    """Return the rule of a fixed N, D or ratio of D to N.

    Raises UnknownName for another symbol, UsageError for a value that none can have.
    """
    if symbol not in ("N", "D", "ratio"):
        raise UnknownName("quantity to fix", symbol, ("N", "D", "ratio"))
    refuse_impossible(symbol, value)
    if symbol == "ratio":
        return _fixed_ratio(value)
    return lambda _: value if symbol == "N" else C / (FLOP_PER_PARAM_TOKEN * value)


def _training(problem: PlanningProblem) -> Cost:
    """Return the cost of training alone."""
    return replace(problem.priced, serving=None)


def _answer(problem: PlanningProblem, rule: str, N: float, D: float, least: float) -> RuleAnswer:
    L = problem.loss(N, D)
    alone = _training(problem)
    enough = cheapest(problem.law, alone, np.array([L]), inputs=problem.all_inputs)
    share = float(alone(enough.N, enough.D)[0] / alone(N, D))
    return RuleAnswer(
        rule=rule,
        N=N,
        D=D,
        L=L,
        excess=L - least,
        share=share if np.isfinite(share) else None,
        lifetime=float(problem.priced(N, D)),
    )


def _notes(problem: PlanningProblem) -> tuple[Note, ...]:
    counted = problem.model.conventions.get("N")
    if counted == "non-embedding":
        return ()
    return (
        Note(
            "info",
            "convention",
            "Kaplan 2020 counts N without embeddings; the others count it with them",
        ),
    )
