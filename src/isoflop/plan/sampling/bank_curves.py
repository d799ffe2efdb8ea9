"""What k samples of a bank solve, by every way of choosing among them, and what they cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Notes, UsageError
from isoflop.options import IntervalOptions
from isoflop.plan.sampling.prices import Prices, cost_of, uncounted, unit_of
from isoflop.plan.sampling.strategy_runs import (
    BudgetControl,
    StrategyRun,
    budget_controls,
    other_strategies,
    run_strategies,
)
from isoflop.report.display import Displayed
from isoflop.runs.spreadsheet import quoted
from isoflop.samples.cost_axis import CostAxis
from isoflop.samples.curves import SampleCurve, coverage_curve, curves
from isoflop.samples.tallies import Tally
from isoflop.sources.open_samples import SampleSource
from isoflop.store import write_atomically


@dataclass(frozen=True, eq=False)
class BankCurves(Displayed):
    """Curves over k, what their points cost, and the strategies that were run beside them."""

    curves: tuple[SampleCurve, ...]
    axis: CostAxis
    strategies: tuple[StrategyRun, ...]
    controls: tuple[BudgetControl, ...]
    notes: Notes
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveQuestion:
    """What is asked of a bank: at which k, counted in what, by which verifiers.

    `answer_tokens` are those that a forced answer takes beyond its budget.
    """

    k: Sequence[float] | None = None
    over: str = "samples"
    prices: Prices | None = None
    verifiers: tuple[str, ...] = ()
    answer_tokens: int = 0

    @property
    def unit(self) -> str:
        """What costs are counted in: dollars where there are prices and nothing else is asked."""
        return "dollars" if self.prices and self.over == "samples" else self.over


def bank_curves(
    source: SampleSource,
    question: CurveQuestion = CurveQuestion(),
    *,
    interval: IntervalOptions = IntervalOptions(),
    watch: Callable[[float, float], None] = lambda done, total: None,
) -> BankCurves:
    """Return coverage, majority, best of k and weighted votes over k, and every strategy.

    Raises UsageError for costs and verifiers of counts, which state none, and for the tokens of
    forced answers where no budget was forced.
    """
    settings: dict[str, Any] = asdict(interval)
    if source.bank is None:
        if question.unit != "samples" or question.verifiers:
            raise UsageError("counts state no cost, no tokens and no scores; give the samples")
        alone = coverage_curve(source.counts(), question.k, **settings)
        return BankCurves(
            (alone,), CostAxis(question.unit, {}), (), (), source.notes, interval.level
        )
    samples = source.blocks(question.verifiers or None)
    several = tuple(curves(samples, question.k, watch=watch, **settings))
    axis, remarks = _axis(samples.tally, several, question.unit, question.prices)
    others = other_strategies(source, samples.tally.problems)
    rows = run_strategies(
        source, others, axis.unit, question.prices, question.answer_tokens, interval
    )
    controls = budget_controls(rows, interval)
    if question.answer_tokens and not controls:
        raise UsageError("--answer-tokens is of forced budgets, and none was run on these problems")
    notes = (*source.notes, *samples.tally.notes, *remarks, *others.notes)
    return BankCurves(several, axis, rows, controls, notes, interval.level)


def save_points(strategies: Sequence[StrategyRun], path: str) -> None:
    """Write the score of every strategy over its tokens, as runs that laws are fitted to.

    Raises UsageError where no strategy states its tokens.
    """
    priced = [r for r in strategies if r.tokens]
    if not priced:
        raise UsageError("there are no strategies that state their tokens, so no points to write")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("run", "family", "thinking", "R"))
    rows.writerows(
        (quoted(r.name), quoted(r.settings), f"{r.tokens:.8g}", f"{r.score:.8g}") for r in priced
    )
    write_atomically(Path(path), lambda file: file.write(text.getvalue().encode()))


def _axis(
    samples: Tally, curves: Sequence[SampleCurve], over: str, prices: Prices | None
) -> tuple[CostAxis, Notes]:
    """Return what the points of curves cost, and what of it is not counted."""
    unit = unit_of(samples, over, prices)
    cost: dict[str, Numbers] = {}
    for c in curves:
        subset = samples if c.verifier is None else samples.of(c.verifier)[0]
        each = [cost_of(subset, k, unit, c.verifier is not None and k > 1, prices) for k in c.k]
        cost[c.name] = np.array([e.mean() for e in each])
    return CostAxis(unit, cost), uncounted(samples, unit, any(c.verifier for c in curves))
