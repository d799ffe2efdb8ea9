"""serve: the same quality, cheaper over the life of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands import pricing
from isoflop.commands.given_law import Level, Model, counted, model
from isoflop.commands.planned import planned, written
from isoflop.commands.pricing import Pricing
from isoflop.commands.registry import Option, command
from isoflop.report import Paragraph, Points, Report, Table

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.serve import Served


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
) -> Report:
    """Find the model of a quality that is cheapest to train and serve.

    Set beside the model of that quality that is cheapest to train alone: a smaller one, trained
    on more data, saves with every token that it serves (Sardana et al. 2023).
    """
    from isoflop.plan.serve import serve as served

    found = model(fit, level=level)
    paid = Pricing(
        serving, generated, money, energy, chip, serving_chip, mfu, serving_mfu, price,
        precision, serving_precision, active,
    )  # fmt: skip
    cost, assumed = paid.cost()
    made = served(
        found, N=N, C=C, L=L, cost=cost, unique=unique, given=given, at_most=at_most, level=level
    )
    return _report(found, made, assumed)


def _report(found: Fit[Any] | Published, made: Served, assumed: tuple[str, ...]) -> Report:
    """Return the report of the plan, with the model that is cheapest to train beside it."""
    point = Points(
        "cheapest to train", np.array([made.N.value]), np.array([made.cost.value]), "truth",
        group="training",
    )  # fmt: skip
    report = planned(found, made.plan, assumed=assumed, reached=True, beside=(point,))
    unit = made.plan.priced.unit
    rows = tuple(
        (name, e.value, e.low, e.high, of)
        for name, e, of in (
            ("N", made.N, counted(found, "N")), ("D", made.D, "tokens"), ("cost", made.cost, unit),
            ("saved by the plan", made.saving, "of the cost"),
            ("data of the plan", made.more_data, "times these"),
        )
    )  # fmt: skip
    beside = Table(
        ("quantity", "value", "low", "high", "unit"), rows,
        caption="The model of the same loss that is cheapest to train, and then serves as much.",
    )  # fmt: skip
    words = Paragraph(
        f"The plan trains {made.plan.N.value / made.N.value:.2f} times the size on "
        f"{made.more_data.value:.2f} times the data, and saves {made.saving.value:.1%}."
    )
    names = ("N", "D", "cost", "saving", "more_data")
    data = {**report.data, "quality": made.quality} | {
        "training_alone": {name: written(getattr(made, name)) for name in names}
    }
    *blocks, picture = report.blocks
    return Report(report.title, (*blocks, beside, words, picture), data)
