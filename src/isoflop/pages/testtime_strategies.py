"""Strategies that were run: their scores, costs and forced budgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from isoflop.plan.sampling.strategy_runs import BudgetControl, StrategyRun
from isoflop.report import Block, Cell, Heading, Table

THOUSAND = 1000  # tokens, which a slope is told for


def tables(
    rans: Sequence[StrategyRun], measured: Sequence[BudgetControl], unit: str, level: float
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


def as_data(rans: Iterable[StrategyRun], measured: Iterable[BudgetControl]) -> dict[str, Any]:
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
