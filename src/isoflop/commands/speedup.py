"""speedup: how much less compute one recipe needs than another for the same loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.inputs import Columns, Convention, Derive, RunsOptions, Unit, Where
from isoflop.commands.registry import Option, command
from isoflop.pages.speedup import (
    answer_of,
    as_data,
    both_of,
    by_loss,
    figure,
    fit_quality,
    variants,
    with_compute,
)
from isoflop.report import Block, Report, note_blocks

if TYPE_CHECKING:
    pass


Floor = Annotated[
    Literal["shared", "free"], Option("whether the recipes share the irreducible loss E")
]
Exponent = Annotated[
    Literal["shared", "free"], Option("whether they share alpha, so that one number says all")
]
Pins = Annotated[Mapping[str, float] | None, Option("pin E or alpha, such as E=1.6", "NAME=NUMBER")]


@command(
    "speedup",
    example="isoflop speedup sample:tiny sample:tiny --where-a 'D > 10*N' --where-b 'D < 10*N'",
)
def speedup(
    a: Annotated[str, Option("the runs of recipe A, the baseline", "A")],
    b: Annotated[str, Option("the runs of recipe B", "B")],
    *,
    over: Annotated[str, Option("what is spent: C, or D, N, hours", "QUANTITY")] = "C",
    floor: Floor = "shared",
    exponent: Exponent = "shared",
    fix: Pins = None,
    draws: Annotated[int, Option("draws behind each interval")] = 1000,
    level: Annotated[float, Option("share of draws that an interval holds")] = 0.9,
    seed: Annotated[int, Option("of starting points and draws", "SEED")] = 0,
    where_a: Annotated[str | None, Option("keep the runs of A that meet this", "CONDITION")] = None,
    where_b: Annotated[str | None, Option("keep the runs of B that meet this", "CONDITION")] = None,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
    convention: Convention = None,
    unit: Unit = None,
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
            RunsOptions(both_of(where, condition), columns, derive, convention, unit)(source)
        )
        for source, condition in ((a, where_a), (b, where_b))
    ]
    result = measure(
        *tables,
        over=over,
        floor=floor,
        exponent=exponent,
        fix=fix,
        draws=draws,
        level=level,
        seed=seed,
    )
    blocks: list[Block] = [
        *note_blocks(result.notes),
        answer_of(result, over),
        variants(result),
        *by_loss(result),
        fit_quality(result),
        figure(result, *tables),
    ]
    return Report("Effective speed-up of B over A", tuple(blocks), as_data(result))
