"""The best way to use samples at a budget: every strategy of a bank, at the price of the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, RefusedByData
from isoflop.options import IntervalOptions
from isoflop.plan.sampling.options import SamplingChoice, options
from isoflop.plan.sampling.prices import Spending, uncounted
from isoflop.quantities import refuse_draws, show
from isoflop.report.display import Displayed
from isoflop.samples.curves import problem_weights
from isoflop.samples.sample_table import Samples

BUDGETS = 6  # looked at, unless some are named
USUAL = IntervalOptions(draws=500)


@dataclass(frozen=True, slots=True)
class RankedStrategy:
    """A way to use samples at its best within a budget: its score, and what it costs a problem.

    `lead` is the score of the best of all less this one's, with its interval `lead_ends`.
    """

    name: str
    score: float
    ends: tuple[float, float]
    price: float
    lead: float
    lead_ends: tuple[float, float]


@dataclass(frozen=True, slots=True)
class BudgetRanking:
    """The strategies that a budget pays for, best first."""

    budget: float
    strategies: tuple[RankedStrategy, ...]

    @property
    def best(self) -> RankedStrategy:
        """The one of the highest score."""
        return self.strategies[0]

    @property
    def equals(self) -> tuple[RankedStrategy, ...]:
        """Those that the best is not ahead of beyond chance."""
        return tuple(s for s in self.strategies[1:] if s.lead_ends[0] <= 0)


@dataclass(frozen=True, eq=False)
class StrategyRanking(Displayed):
    """Rankings by budget, in the `unit` of cost, and the level of their intervals."""

    unit: str
    budgets: tuple[BudgetRanking, ...]
    level: float
    notes: tuple[Note, ...]


def rank_strategies(
    samples: Samples,
    *,
    spending: Spending = Spending(),
    others: Sequence[SamplingChoice] = (),
    interval: IntervalOptions = USUAL,
) -> StrategyRanking:
    """Return every strategy at its best k within each budget (a price per problem), best first.

    `others` are strategies that were run, on the same problems in the same order. Intervals draw
    problems anew, and so do those of the distances between strategies.

    Raises RefusedByData for a budget that pays for no answer, UsageError for a unit that the
    samples do not state.
    """
    refuse_draws(interval.draws, interval.level, 1)
    counted = spending.counted(samples)
    choices = (*options(samples, spending, seed=interval.seed), *others)
    costs = np.array([choice.price for choice in choices])
    problems = choices[0].right.size
    weights = np.concatenate([*problem_weights(problems, interval.draws, interval.seed)])
    rankings = tuple(
        _ranked(choices, costs, budget, weights, interval.level)
        for budget in _looked_at(costs, spending.budgets)
    )
    text = "each strategy is at the k that was best for these problems, which flatters all of them"
    verified = any(name for name in samples.scores)
    notes = (Note("info", "hindsight", text), *uncounted(samples, counted, verified))
    return StrategyRanking(counted, rankings, interval.level, notes)


def _looked_at(costs: Numbers, budgets: Sequence[float] | None) -> list[float]:
    """Return the budgets, each enough for the cheapest answer."""
    least = float(costs.min())
    if budgets is None:
        return [float(b) for b in np.unique(np.geomspace(least, costs.max(), BUDGETS))]
    if small := [b for b in budgets if b < least * (1 - 1e-9)]:
        raise RefusedByData(
            f"a budget of {show(small[0])} pays for no answer: the cheapest costs {show(least)}"
        )
    return sorted(budgets)


def _ranked(
    choices: Sequence[SamplingChoice],
    costs: Numbers,
    budget: float,
    weights: Numbers,
    level: float,
) -> BudgetRanking:
    """Return the best option of each family that a budget pays for, best first."""
    best: dict[str, SamplingChoice] = {}
    for choice, cost in zip(choices, costs, strict=True):
        family = choice.name.rpartition(", k=")[0] or choice.name
        if cost > budget * (1 + 1e-9):
            continue
        if family not in best or choice.right.mean() > best[family].right.mean():
            best[family] = choice
    order = sorted(best.values(), key=lambda choice: -float(choice.right.mean()))
    tails = [(1 - level) / 2, (1 + level) / 2]
    first_s = weights @ order[0].right
    rows = []
    for choice in order:
        scores = weights @ choice.right
        rows.append(
            RankedStrategy(
                name=choice.name,
                score=float(choice.right.mean()),
                ends=_pair(np.quantile(scores, tails)),
                price=choice.price,
                lead=float(order[0].right.mean() - choice.right.mean()),
                lead_ends=_pair(np.quantile(first_s - scores, tails)),
            )
        )
    return BudgetRanking(budget, tuple(rows))


def _pair(ends: Numbers) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])
