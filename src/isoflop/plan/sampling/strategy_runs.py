"""Strategies that were run beside samples in parallel: how they did, at what cost and budget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, Notes
from isoflop.options import IntervalOptions
from isoflop.plan.sampling.options import SamplingChoice
from isoflop.plan.sampling.prices import Prices, cost_of_run
from isoflop.report.display import Displayed
from isoflop.samples.bank import chosen_group
from isoflop.samples.budgets import control, limit_of, performance, scaling
from isoflop.samples.curves import problem_weights, spread
from isoflop.samples.sample_table import Samples
from isoflop.sources.open_samples import SampleSource


@dataclass(frozen=True, eq=False)
class StrategyRun(Displayed):
    """A strategy that was run: how often it was right by problem (p,), and its means.

    `runs` are of all problems. `tokens` are those that a run generates, `cost` is in the unit that
    was asked for; None where they are not stated. `control` is the share of runs that keep to a
    forced budget, None where the name of the strategy states none.
    """

    name: str
    each: Numbers
    runs: int
    low: float
    high: float
    tokens: float | None
    cost: float | None
    control: float | None

    @property
    def settings(self) -> str:
        """The strategy without its numbers, such as "budget/tokens"."""
        return re.sub(r"=[^,]*", "", self.name)

    @property
    def score(self) -> float:
        """The share of problems solved."""
        return float(self.each.mean())


@dataclass(frozen=True)
class BudgetControl(Displayed):
    """s1's measures of one strategy at several budgets; slopes are in share per token."""

    strategy: str
    budgets: int
    control: float | None
    scaling: float
    scaling_ends: tuple[float, float]
    performance: float


@dataclass(frozen=True, eq=False)
class OtherStrategies:
    """Samples of the other strategies of a lineage on the same problems, and what is left out."""

    lineage: str
    samples: Mapping[str, Samples]
    notes: Notes


def other_strategies(source: SampleSource, problems: tuple[str, ...]) -> OtherStrategies:
    """Return the other strategies that were run on the same problems."""
    assert source.bank is not None
    kinds = source.kinds()
    strategy, lineage = chosen_group(kinds, source.strategy, source.lineage, "the bank")
    names = [s for s, of in kinds if of == lineage and s != strategy]
    samples = {name: source.bank.load(name, lineage) for name in names}
    same = {name: s for name, s in samples.items() if s.problems == problems}
    out = [name for name in names if name not in same]
    note = f"{', '.join(out)}: run on other problems than {strategy}, and left out"
    notes = (Note("doubt", "left-out", note),) if out else ()
    return OtherStrategies(lineage, same, notes)


def run_strategies(
    source: SampleSource,
    others: OtherStrategies,
    unit: str,
    prices: Prices | None,
    answer_tokens: int,
    interval: IntervalOptions,
) -> tuple[StrategyRun, ...]:
    """Return how strategies did, from the fewest tokens to the most.

    `answer_tokens` are those that a forced answer takes beyond its budget.
    """
    rows = []
    for name, samples in others.samples.items():
        each = np.asarray(samples.counts.solved / samples.counts.attempts)
        low, high = spread(each[:, None], **asdict(interval))
        tokens = samples.cost.get("tokens")
        limit, budget_control = limit_of(name), None
        if limit is not None and tokens is not None:
            parts = [x for x in source.lengths(name, others.lineage) if x.size]
            shares = [control(x, most=limit + answer_tokens) for x in parts]
            budget_control = float(np.average(shares, weights=[x.size for x in parts]))
        mean = None if tokens is None else float(np.nanmean(tokens))
        cost = cost_of_run(samples, unit, prices)
        price = None if cost is None else float(cost.mean())
        rows.append(
            StrategyRun(
                name=name,
                each=each,
                runs=len(samples),
                low=float(low[0]),
                high=float(high[0]),
                tokens=mean,
                cost=price,
                control=budget_control,
            )
        )
    return tuple(sorted(rows, key=lambda r: (r.settings, r.tokens or 0.0)))


def budget_controls(
    runs_of_strategies: Iterable[StrategyRun], interval: IntervalOptions
) -> tuple[BudgetControl, ...]:
    """Return the measures of every strategy that was run at several budgets."""
    rows = []
    for name, runs in _at_budgets(runs_of_strategies).items():
        tokens, each = np.array([r.tokens for r in runs]), np.stack([r.each for r in runs], axis=1)
        draws = problem_weights(len(each), max(interval.draws, 1), interval.seed)
        weights = np.concatenate([*draws])
        slopes = [scaling(tokens, row) for row in weights @ each]
        low, high = np.quantile(slopes, [(1 - interval.level) / 2, (1 + interval.level) / 2])
        controls = [r.control for r in runs if r.control is not None]
        rows.append(
            BudgetControl(
                name,
                len(runs),
                float(np.mean(controls)) if controls else None,
                scaling(tokens, each.mean(0)),
                (float(low), float(high)),
                performance(each.mean(0)),
            )
        )
    return tuple(rows)


def _at_budgets(runs_of_strategies: Iterable[StrategyRun]) -> Mapping[str, list[StrategyRun]]:
    """Return the strategies whose names differ in one number alone, where their tokens differ."""
    by_budget: dict[str, list[StrategyRun]] = {}
    for r in runs_of_strategies:
        if r.tokens is not None:
            by_budget.setdefault(r.settings, []).append(r)
    return {
        name: runs
        for name, runs in by_budget.items()
        if len({r.tokens for r in runs}) > 1 and _numbers_that_differ(runs) == 1
    }


def _numbers_that_differ(runs: Sequence[StrategyRun]) -> int:
    numbers = zip(*(re.findall(r"=([^,]*)", r.name) for r in runs), strict=True)
    return sum(len(set(values)) > 1 for values in numbers)


def as_choices(
    others: OtherStrategies, unit: str, prices: Prices | None
) -> tuple[list[SamplingChoice], Notes]:
    """Return the strategies that were run as options by their means, and those that cannot be."""
    costs = {name: cost_of_run(samples, unit, prices) for name, samples in others.samples.items()}
    choices = [
        SamplingChoice(name, samples.counts.solved / samples.counts.attempts, cost)
        for name, samples in others.samples.items()
        if (cost := costs[name]) is not None
    ]
    dear = [name for name, cost in costs.items() if cost is None]
    text = f"{', '.join(dear)}: what they cost in {unit} is not known, so they are left out"
    return choices, (*others.notes, *((Note("doubt", "left-out", text),) if dear else ()))
