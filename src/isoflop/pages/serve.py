"""The same quality, cheaper over the life of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import Notes
from isoflop.pages.plan import planned, written
from isoflop.pages.provenance import counted
from isoflop.report import Paragraph, Points, Report, Table

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.serve import Served


def report_of(model: Fit[Any] | Published, result: Served, assumed: Notes) -> Report:
    """Return the report of the plan, with the model that is cheapest to train beside it."""
    point = Points(
        "cheapest to train",
        np.array([result.N.value]),
        np.array([result.cost.value]),
        "truth",
        group="training",
    )
    report = planned(model, result.plan, assumed=assumed, reached=True, points=(point,))
    unit = result.plan.priced.unit
    rows = tuple(
        (name, e.value, e.low, e.high, of)
        for name, e, of in (
            ("N", result.N, counted(model, "N")),
            ("D", result.D, "tokens"),
            ("cost", result.cost, unit),
            ("saved by the plan", result.saving, "of the cost"),
            ("data of the plan", result.more_data, "times these"),
        )
    )
    table = Table(
        ("quantity", "value", "low", "high", "unit"),
        rows,
        caption="The model of the same loss that is cheapest to train, and then serves as much.",
    )
    words = Paragraph(
        f"The plan trains {result.plan.N.value / result.N.value:.2f} times the size on "
        f"{result.more_data.value:.2f} times the data, and saves {result.saving.value:.1%}."
    )
    names = ("N", "D", "cost", "saving", "more_data")
    data = {**report.data, "quality": result.quality} | {
        "training_alone": {name: written(getattr(result, name)) for name in names}
    }
    *blocks, picture = report.blocks
    return Report(report.title, (*blocks, table, words, picture), data)
