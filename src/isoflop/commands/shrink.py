"""shrink: a smaller model of the same loss, what it takes, and how small it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands import pricing
from isoflop.commands.given_law import (
    Level,
    Model,
    counted,
    described,
    model,
    noted,
)
from isoflop.commands.planned import written
from isoflop.commands.pricing import family
from isoflop.commands.registry import Option, command
from isoflop.quantities import parse, show
from isoflop.report import Figure, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.shrink import Shrunk

LARGEST = 3.0  # times the best N, drawn
POINTS = 60


@command("shrink", example="isoflop shrink chinchilla/besiroglu2024 --C 5.76e23 --k 0.5,0.75")
def shrink(
    fit: Model,
    *,
    C: Annotated[float, Option("the budget whose best run is to be matched [FLOP]")],
    k: Annotated[
        str | None, Option("sizes, as shares of the best N, with commas between", "K,...")
    ] = None,
    unique: pricing.Unique = None,
    given: pricing.Given = None,
    count: pricing.Counted = None,
    shapes: pricing.Shapes = None,
    level: Level = None,
) -> Report:
    """Find what smaller models take to be as good as the best for C.

    A smaller model is cheaper to serve; it pays in data and in compute, more and more towards a
    size below which no data makes up for the lack of parameters (de Vries 2023).
    """
    from isoflop.plan.shrink import SIZES
    from isoflop.plan.shrink import shrink as shrunk

    found = model(fit, level=level)
    converted = family(shapes)

    def ask(factors: tuple[float, ...]) -> Shrunk:
        return shrunk(
            found, C, factors, given=given, unique=unique, convention=count, family=converted,
            level=level,
        )  # fmt: skip

    least = ask(()).least.value
    usual = tuple(size for size in SIZES if size > least)
    factors = usual if k is None else tuple(parse(part, "--k") for part in k.split(","))
    made = ask(factors)
    line = ask(tuple(np.geomspace(1.02 * least, LARGEST, POINTS).tolist()))
    return _report(found, made, line)


def _report(found: Fit[Any] | Published, made: Shrunk, line: Shrunk) -> Report:
    unit = counted(found, "N")
    rows = (
        ("N", made.N.value, made.N.low, made.N.high, unit),
        ("D", made.D.value, made.D.low, made.D.high, "tokens"),
        ("least k", made.least.value, made.least.low, made.least.high, "of N"),
    )
    smaller = tuple(
        (
            r.factor, r.N, r.D.value, r.data.value, 100 * r.overhead.value,
            *(None if end is None else 100 * end for end in (r.overhead.low, r.overhead.high)),
            100 * r.out_of_reach if made.N.low is not None else None,
        )
        for r in made.rows
    )  # fmt: skip
    blocks = (
        *noted(found, made.notes),
        Table(
            ("quantity", "value", "low", "high", "unit"), rows,
            caption="The best run of the budget, and the smallest size that can be as good.",
        ),
        Table(
            (
                "k", "N", "D", "times the data", "% more compute", "low", "high",
                "% of draws out of reach",
            ),
            smaller,
            caption=f"The same loss from k times the best N; intervals hold {made.level:.0%}.",
        ),
        Paragraph("An interval without an upper end holds draws by which that k is too small."),
        described(found),
        _picture(line),
    )  # fmt: skip
    return Report(f"Smaller than the best for {show(made.C)} FLOP", blocks, _data(made))


def _picture(line: Shrunk) -> Figure:
    from isoflop.commands.plan_pictures import smaller

    return smaller(line)


def _data(made: Shrunk) -> dict[str, Any]:
    return {
        "C": made.C,
        "N": written(made.N),
        "D": written(made.D),
        "L": written(made.L),
        "least": written(made.least),
        "level": made.level,
        "rows": [
            {
                "k": r.factor, "N": r.N, "D": written(r.D), "C": written(r.C),
                "data": written(r.data), "overhead": written(r.overhead),
                "out_of_reach": r.out_of_reach,
            }
            for r in made.rows
        ],
        "notes": list(made.notes),
    }  # fmt: skip
