"""Their scores, costs and forced budgets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop import errors
from isoflop.arrays import Numbers
from isoflop.errors import Notes
from isoflop.report import Block, Cell, Heading, Table
from isoflop.sources.open_samples import SampleSource

if TYPE_CHECKING:
    from isoflop.plan.sampling.prices import Prices
    from isoflop.samples.sample_table import Samples


THOUSAND = 1000  # tokens, which a slope is told for


@dataclass(frozen=True, eq=False)
class Ran:
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
class BudgetControl:
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


def beside(source: SampleSource, problems: tuple[str, ...]) -> OtherStrategies:
    """Return the other strategies that were run on the same problems."""
    from isoflop.samples.bank import chosen_group

    assert source.bank is not None
    kinds = source.kinds()
    strategy, lineage = chosen_group(kinds, source.strategy, source.lineage, "the bank")
    names = [s for s, of in kinds if of == lineage and s != strategy]
    samples = {name: source.bank.load(name, lineage) for name in names}
    same = {name: s for name, s in samples.items() if s.problems == problems}
    out = [name for name in names if name not in same]
    note = f"{', '.join(out)}: run on other problems than {strategy}, and left out"
    notes = (errors.Note("doubt", "left-out", note),) if out else ()
    return OtherStrategies(lineage, same, notes)


def ran(
    source: SampleSource,
    others: OtherStrategies,
    unit: str,
    prices: Prices | None,
    answer_tokens: int,
    *,
    draws: int,
    level: float,
    seed: int,
) -> tuple[Ran, ...]:
    """Return how strategies did, from the fewest tokens to the most.

    `answer_tokens` are those that a forced answer takes beyond its budget.
    """
    from isoflop.plan.sampling.prices import cost_of_run
    from isoflop.samples.budgets import control, limit_of
    from isoflop.samples.curves import spread

    rows = []
    for name, samples in others.samples.items():
        each = np.asarray(samples.counts.solved / samples.counts.attempts)
        low, high = spread(each[:, None], draws=draws, level=level, seed=seed)
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
            Ran(
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


def forced(
    rans: Iterable[Ran], *, draws: int, level: float, seed: int
) -> tuple[BudgetControl, ...]:
    """Return the measures of every strategy that was run at several budgets."""
    from isoflop.samples.budgets import performance, scaling
    from isoflop.samples.curves import problem_weights

    rows = []
    for name, runs in _at_budgets(rans).items():
        tokens, each = np.array([r.tokens for r in runs]), np.stack([r.each for r in runs], axis=1)
        weights = np.concatenate([*problem_weights(len(each), max(draws, 1), seed)])
        slopes = [scaling(tokens, row) for row in weights @ each]
        low, high = np.quantile(slopes, [(1 - level) / 2, (1 + level) / 2])
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


def _at_budgets(rans: Iterable[Ran]) -> Mapping[str, list[Ran]]:
    """Return the strategies whose names differ in one number alone, where their tokens differ."""
    by_budget: dict[str, list[Ran]] = {}
    for r in rans:
        if r.tokens is not None:
            by_budget.setdefault(r.settings, []).append(r)
    return {
        name: runs
        for name, runs in by_budget.items()
        if len({r.tokens for r in runs}) > 1 and _numbers_that_differ(runs) == 1
    }


def _numbers_that_differ(runs: Sequence[Ran]) -> int:
    numbers = zip(*(re.findall(r"=([^,]*)", r.name) for r in runs), strict=True)
    return sum(len(set(values)) > 1 for values in numbers)


def tables(
    rans: Sequence[Ran], measured: Sequence[BudgetControl], unit: str, level: float
) -> list[Block]:
    """Return the strategies as tables, none where there are none."""
    if not rans:
        return []
    columns = ["strategy", "runs", "share solved", "low", "high", "control", "tokens"]
    rows: list[tuple[Cell, ...]] = [
        (r.name, r.runs, r.score, r.low, r.high, r.control, r.tokens) for r in rans
    ]
    if unit not in ("tokens", "samples"):
        columns.append(f"cost [{unit}]")
        rows = [(*row, r.cost) for row, r in zip(rows, rans, strict=True)]
    blocks: list[Block] = [
        Heading("Strategies that were run"),
        Table(
            tuple(columns),
            tuple(rows),
            f"Means over problems with {level:.0%} intervals; tokens and costs are of one run. "
            "Control is the share of runs that keep to the budget that their name states.",
        ),
    ]
    if measured:
        cells: list[tuple[Cell, ...]] = [
            (
                m.strategy,
                m.budgets,
                m.control,
                m.scaling * THOUSAND,
                *(end * THOUSAND for end in m.scaling_ends),
                m.performance,
            )
            for m in measured
        ]
        blocks.append(
            Table(
                ("strategy", "budgets", "control", "scaling", "low", "high", "performance"),
                tuple(cells),
                "Scaling is the mean slope over all pairs of budgets, in share of problems per "
                "1,000 "
                "tokens; performance is the best share.",
            )
        )
    return blocks


def as_data(rans: Iterable[Ran], measured: Iterable[BudgetControl]) -> dict[str, Any]:
    """Return the same for a program."""
    return {
        "strategies": {
            r.name: {
                "runs": r.runs,
                "score": r.score,
                "low": _finite(r.low),
                "high": _finite(r.high),
                "tokens": r.tokens,
                "cost": r.cost,
                "control": r.control,
            }
            for r in rans
        },
        "forced": {
            m.strategy: {
                "budgets": m.budgets,
                "control": m.control,
                "scaling_per_token": m.scaling,
                "low": m.scaling_ends[0],
                "high": m.scaling_ends[1],
                "performance": m.performance,
            }
            for m in measured
        },
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
