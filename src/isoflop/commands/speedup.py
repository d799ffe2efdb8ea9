"""speedup: how much less compute one recipe needs than another for the same loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from isoflop.commands.inputs import IntervalOptions, RunsOptions
from isoflop.commands.registry import Option, command
from isoflop.pages.speedup import both_of, page_of, with_compute
from isoflop.report import Report

Floor = Annotated[
    Literal["shared", "free"], Option("whether the recipes share the irreducible loss E")
]
Exponent = Annotated[
    Literal["shared", "free"], Option("whether they share alpha, so that one number says all")
]
Pins = Annotated[Mapping[str, float] | None, Option("pin E or alpha, such as E=1.6", "NAME=NUMBER")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedupOptions:
    """The law of both recipes, and what they share."""

    over: Annotated[str, Option("what is spent: C, or D, N, hours", "QUANTITY")] = "C"
    floor: Floor = "shared"
    exponent: Exponent = "shared"
    fix: Pins = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRows:
    """Which runs belong to each recipe."""

    where_a: Annotated[str | None, Option("keep the runs of A that meet this", "CONDITION")] = None
    where_b: Annotated[str | None, Option("keep the runs of B that meet this", "CONDITION")] = None


@command(
    "speedup",
    section="Laws, and how far they hold",
    example="isoflop speedup sample:tiny sample:tiny --where-a 'D > 10*N' --where-b 'D < 10*N'",
)
def speedup(
    a: Annotated[str, Option("the runs of recipe A, the baseline", "A")],
    b: Annotated[str, Option("the runs of recipe B", "B")],
    *,
    method: SpeedupOptions = SpeedupOptions(),
    interval: IntervalOptions = IntervalOptions(),
    sides: RecipeRows = RecipeRows(),
    table_options: RunsOptions = RunsOptions(),
) -> Report:
    """Compare two recipes by the compute they need for the same loss.

    The multiplier is how many times the compute of recipe B recipe A needs: above 1, B is the
    better recipe. Give each recipe's best runs at several budgets; both follow
    L = E + A / C^alpha. The answer tells whether the laws fit, and whether one multiplier holds
    at every loss.
    """
    from isoflop.assess.speedup import speedup as measure

    tables = [
        with_compute(
            replace(table_options, where=both_of(table_options.where, condition)).read(source)
        )
        for source, condition in ((a, sides.where_a), (b, sides.where_b))
    ]
    result = measure(
        *tables,
        over=method.over,
        floor=method.floor,
        exponent=method.exponent,
        fix=method.fix,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(result)
