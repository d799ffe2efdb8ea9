"""The same quality, cheaper over the life of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.pages.plan import planned, written
from isoflop.pages.provenance import counted
from isoflop.report import Paragraph, Points, Report, Table

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.serve import Served


def report_of(found: Fit[Any] | Published, made: Served, assumed: tuple[str, ...]) -> Report:
    """Return the report of the plan, with the model that is cheapest to train beside it."""
    point = Points(
        "cheapest to train",
        np.array([made.N.value]),
        np.array([made.cost.value]),
        "truth",
        group="training",
    )
    report = planned(found, made.plan, assumed=assumed, reached=True, beside=(point,))
    unit = made.plan.priced.unit
    rows = tuple(
        (name, e.value, e.low, e.high, of)
        for name, e, of in (
            ("N", made.N, counted(found, "N")),
            ("D", made.D, "tokens"),
            ("cost", made.cost, unit),
            ("saved by the plan", made.saving, "of the cost"),
            ("data of the plan", made.more_data, "times these"),
        )
    )
    beside = Table(
        ("quantity", "value", "low", "high", "unit"),
        rows,
        caption="The model of the same loss that is cheapest to train, and then serves as much.",
    )
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
