"""approaches: the best size and data of a budget, told in Chinchilla's three ways."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import (
    IntervalOptions,
    RunsOptions,
    Source,
)
from isoflop.commands.registry import Option, command
from isoflop.pages.approaches import page_of
from isoflop.report import Report


@command(
    "approaches",
    section="Laws, and how far they hold",
    example="isoflop approaches sample:tiny --C 1e12",
)
def approaches(
    runs: Source,
    *,
    C: Annotated[float, Option("the budget to split [FLOP]")],
    law: Annotated[
        tuple[str, ...], Option("a law of N and D for approach 3; may be repeated", "LAW")
    ] = (),
    interval: IntervalOptions = IntervalOptions(),
    table_options: RunsOptions = RunsOptions(),
) -> Report:
    """Split a budget by all three of Chinchilla's approaches, side by side.

    Approach 1 follows the lower envelope of loss against compute, approach 2 draws a curve of
    loss against size at each budget (a parabola, a cubic and Akima's interpolation), approach 3
    fits a law, chinchilla unless given. The answer holds the exponents of N* and D* in C, the
    best split with intervals, and by how much approaches 1 and 2 miss on this very grid when the
    losses are those of the law.
    """
    from isoflop.plan.approaches import approaches as compare

    comparison = compare(
        table_options.read(runs),
        C,
        laws=law or ("chinchilla",),
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(comparison)
