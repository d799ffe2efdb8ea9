"""shrink: a smaller model of the same loss, what it takes, and how small it gets."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from isoflop.commands.law_source import Model, model
from isoflop.commands.pricing import CountOptions
from isoflop.commands.registry import Option, command
from isoflop.pages.shrink import page_of
from isoflop.quantities import parse
from isoflop.report import Report

LARGEST = 3.0  # times the best N, drawn
POINTS = 60


@command(
    "shrink",
    section="Plans",
    example="isoflop shrink chinchilla/besiroglu2024 --C 5.76e23 --k 0.5,0.75",
)
def shrink(
    fit: Model,
    *,
    C: Annotated[float, Option("the budget whose best run is to be matched [FLOP]")],
    k: Annotated[
        str | None, Option("sizes, as shares of the best N, with commas between", "K,...")
    ] = None,
    problem: CountOptions = CountOptions(),
) -> Report:
    """Find what smaller models take to be as good as the best for C.

    A smaller model is cheaper to serve; it pays in data and in compute, more and more towards a
    size below which no data makes up for the lack of parameters (de Vries 2023).
    """
    from isoflop.plan.shrink import SIZES
    from isoflop.plan.shrink import shrink as shrunk

    source = model(fit, level=problem.level)
    question = problem.problem(source)
    least = shrunk(question, C, ()).least.value
    usual = tuple(size for size in SIZES if size > least)
    factors = usual if k is None else tuple(parse(part, "--k") for part in k.split(","))
    result = shrunk(question, C, factors)
    line = shrunk(question, C, np.geomspace(1.02 * least, LARGEST, POINTS).tolist())
    return page_of(result, line)
