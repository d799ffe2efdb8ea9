"""serve: the same quality, cheaper over the life of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands import pricing
from isoflop.commands.law_source import Growth, Level, Model, model
from isoflop.commands.pricing import Pricing
from isoflop.commands.registry import Option, command
from isoflop.pages.serve import page_of
from isoflop.report import Report

if TYPE_CHECKING:
    pass


@command("serve", example="isoflop serve chinchilla/besiroglu2024 --N 70B --serving 2e12")
def serve(
    fit: Model,
    *,
    serving: Annotated[float, Option("tokens served over the life of the model")],
    N: Annotated[
        float | None, Option("as good as a model of this size trained at its best")
    ] = None,
    C: Annotated[float | None, Option("as good as the best training run of so many FLOP")] = None,
    L: Annotated[float | None, Option("of this loss")] = None,
    generated: pricing.Generated = None,
    money: pricing.Money = False,
    energy: pricing.Energy = False,
    chip: pricing.ChipName = None,
    mfu: pricing.Mfu = None,
    price: pricing.Price = None,
    serving_mfu: pricing.ServingMfu = None,
    serving_chip: pricing.ServingChip = None,
    precision: pricing.Precision = "bf16",
    serving_precision: pricing.ServingPrecision = None,
    active: pricing.Active = 1.0,
    unique: pricing.Unique = None,
    given: pricing.Given = None,
    at_most: pricing.Most = None,
    level: Level = None,
    growth: Growth = None,
) -> Report:
    """Find the model of a quality that is cheapest to train and serve.

    Set beside the model of that quality that is cheapest to train alone: a smaller one, trained
    on more data, saves with every token that it serves (Sardana et al. 2023).
    """
    from isoflop.plan.serve import serve as served

    source = model(fit, level=level, growth=growth)
    paid = Pricing(
        serving=serving,
        generated=generated,
        money=money,
        energy=energy,
        chip=chip,
        serving_chip=serving_chip,
        mfu=mfu,
        serving_mfu=serving_mfu,
        price=price,
        precision=precision,
        serving_precision=serving_precision,
        active=active,
    )
    cost, assumed = paid.cost()
    result = served(
        source,
        N=N,
        C=C,
        L=L,
        cost=cost,
        unique=unique,
        given=given,
        at_most=at_most,
        level=level,
        growth=growth,
    )
    return page_of(result, assumed)
