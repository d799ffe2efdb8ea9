"""wall: when the largest runs ask for more text than there is, as quantiles over years."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.law_source import Model, model
from isoflop.commands.pricing import spread
from isoflop.commands.registry import Option, command
from isoflop.pages.wall import page_of
from isoflop.report import Report

_RANGE = "a number, or low,high, or low,typical,high, as 5 and 95% points"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandOptions:
    """What the largest runs take."""

    C: Annotated[str | None, Option(f"FLOP of the largest run in --year: {_RANGE}", "RANGE")] = None
    year: Annotated[int | None, Option("the year of that run")] = None
    growth: Annotated[str | None, Option(f"growth of C a year: {_RANGE}", "RANGE")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyOptions:
    """What text there is, and what it is worth."""

    stock: Annotated[str | None, Option(f"tokens of text there are: {_RANGE}", "RANGE")] = None
    quality: Annotated[str, Option(f"share of it fit for use: {_RANGE}", "RANGE")] = "1"
    epochs: Annotated[str, Option(f"times that it is worth: {_RANGE}", "RANGE")] = "1"
    overtraining: Annotated[
        str, Option(f"tokens per parameter over the best: {_RANGE}", "RANGE")
    ] = "1"


@command(
    "wall", section="Plans", example="isoflop wall chinchilla/besiroglu2024 --overtraining 1,5"
)
def wall(
    fit: Model,
    *,
    demand: DemandOptions = DemandOptions(),
    supply: SupplyOptions = SupplyOptions(),
    draws: Annotated[int, Option("draws of everything that is not certain")] = 10_000,
    seed: Annotated[int, Option("of the draws", "SEED")] = 0,
) -> Report:
    """Find when the largest runs will ask for more text than there is.

    The answer is a distribution over years, from those of the stock, of today's compute and of
    its growth, and the best D by the law. It is never a date: each of them is uncertain.
    """
    from isoflop.atlas.text_stock import STOCK
    from isoflop.plan.wall import GROWTH, LARGEST, LARGEST_YEAR, TextDemand, TextSupply
    from isoflop.plan.wall import wall as against

    model_law = model(fit)
    facts, taken = [], {}
    for name, text, fact in (
        ("C", demand.C, LARGEST),
        ("growth", demand.growth, GROWTH),
        ("stock", supply.stock, STOCK),
    ):
        taken[name] = fact.value if text is None else spread(text, f"--{name}")
        source = f"{fact.meaning}; {fact.source}" if text is None else "as stated"
        facts.append((name, taken[name], source))
    for name, text in (
        ("quality", supply.quality),
        ("epochs", supply.epochs),
        ("overtraining", supply.overtraining),
    ):
        taken[name] = spread(text, f"--{name}")
        facts.append((name, taken[name], "as stated"))
    result = against(
        model_law,
        TextDemand(
            year=LARGEST_YEAR if demand.year is None else float(demand.year),
            **{name: taken[name] for name in ("C", "growth", "overtraining")},
        ),
        TextSupply(**{name: taken[name] for name in ("stock", "quality", "epochs")}),
        draws=draws,
        seed=seed,
    )
    return page_of(result, tuple(facts))
