"""The best way to use samples at each budget."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.errors import Notes, amount, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate
from isoflop.pages.coverage_figures import OVER, SHARE
from isoflop.plan.sampling.prices import UNITS
from isoflop.plan.sampling.ranking import BudgetRanking, RankedStrategy, StrategyRanking
from isoflop.quantities import show
from isoflop.report import Block, Cell, Figure, Layer, Line, Points, Report, Table, note_blocks

SHOWN = 6  # strategies of a budget in the table; the data hold all


@shows(StrategyRanking)
def page_of(ranking: StrategyRanking, notes: Notes = ()) -> Report:
    """Return the best strategy of every budget as a report, and all that it is held against."""
    unit = UNITS[ranking.unit]
    every = (*notes, *ranking.notes)
    blocks: list[Block] = [
        *note_blocks(every),
        Table(
            (f"budget [{unit}]", "best", "score", "low", "high", "as good, beyond chance"),
            tuple(_row(at) for at in ranking.budgets),
            f"Intervals hold {ranking.level:.0%} of draws of problems.",
        ),
        _all(ranking, unit),
        _figure(ranking),
    ]
    last = ranking.budgets[-1]
    answer = answered(_answer(last, unit, ranking.level), blocks)
    data: dict[str, Any] = {
        "unit": ranking.unit,
        "level": ranking.level,
        "budgets": [_as_data(at) for at in ranking.budgets],
        "notes": texts(every),
    }
    return Report("The best use of samples by budget", tuple(blocks), data, answer=answer)


def _answer(at: BudgetRanking, unit: str, level: float) -> str:
    best = at.best
    words = (
        f"At {show(at.budget)} {unit} a problem: {best.name}, {estimate(best.score, *best.ends)} "
        f"({level:.0%})"
    )
    rivals = at.strategies[1:3]
    if rivals:
        words += "; " + ", ".join(f"{s.name} {s.score:.3f}" for s in rivals)
    if at.equals:
        words += f"; {amount(len(at.equals), 'other is', 'others are')} as good within chance"
    return words


def _row(at: BudgetRanking) -> tuple[Cell, ...]:
    equals = ", ".join(s.name for s in at.equals[:3]) + (", ..." if len(at.equals) > 3 else "")
    return at.budget, at.best.name, at.best.score, *at.best.ends, equals or "none"


def _all(ranking: StrategyRanking, unit: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (at.budget, s.name, s.score, *s.ends, s.price, s.lead, *s.lead_ends)
        for at in ranking.budgets
        for s in at.strategies[:SHOWN]
    ]
    columns = (
        f"budget [{unit}]",
        "strategy",
        "score",
        "low",
        "high",
        f"costs [{unit}]",
        "behind the best by",
        "low",
        "high",
    )
    return Table(columns, tuple(rows), "Each strategy at its best k within the budget.")


def _figure(ranking: StrategyRanking) -> Figure:
    """Return the score of every family of strategies over the budget."""
    families: dict[str, list[tuple[float, RankedStrategy]]] = {}
    for at in ranking.budgets:
        for s in at.strategies:
            family = s.name.rpartition(", k=")[0] or s.name
            families.setdefault(family, []).append((at.budget, s))
    layers: list[Layer] = []
    for family, items in families.items():
        x, y = np.array([b for b, _ in items]), np.array([s.score for _, s in items])
        layers.append(Line(family, x, y, group=family))
        layers.append(Points(f"{family}, at its best k", x, y, group=family))
    return Figure("What a budget solves", OVER[ranking.unit], SHARE, tuple(layers))


def _as_data(at: BudgetRanking) -> dict[str, Any]:
    return {
        "budget": at.budget,
        "best": at.best.name,
        "strategies": [
            {
                "name": s.name,
                "score": s.score,
                "ends": list(s.ends),
                "price": s.price,
                "lead": s.lead,
                "lead_ends": list(s.lead_ends),
            }
            for s in at.strategies
        ],
    }
