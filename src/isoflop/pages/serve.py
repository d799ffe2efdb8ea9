"""The same quality, cheaper over the life of the model."""

from __future__ import annotations

import numpy as np

from isoflop.errors import Notes
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimated
from isoflop.pages.plan import page_of as page_of_plan
from isoflop.pages.plan import written
from isoflop.pages.provenance import counted
from isoflop.plan.serve import Served
from isoflop.quantities import show
from isoflop.report import Paragraph, Points, Report, Table


@shows(Served)
def page_of(result: Served, assumed: Notes = ()) -> Report:
    """Return the report of the plan, with the model that is cheapest to train beside it."""
    point = Points(
        "cheapest to train",
        np.array([result.N.value]),
        np.array([result.cost.value]),
        "truth",
        group="training",
    )
    report = page_of_plan(result.plan, assumed=assumed, points=(point,))
    unit = result.plan.priced.unit
    rows = tuple(
        (name, e.value, e.low, e.high, of)
        for name, e, of in (
            ("N", result.N, counted(result.plan.problem.model, "N")),
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
        f"{result.more_data.value:.2f} times the data, and saves {result.saving.value:.1%}: the "
        f"model that is cheapest to train costs {result.excess:.1%} more over its life."
    )
    names = ("N", "D", "cost", "saving", "more_data")
    data = {**report.data, "quality": result.quality, "excess": result.excess} | {
        "training_alone": {name: written(getattr(result, name)) for name in names}
    }
    *blocks, picture = report.blocks
    plan = result.plan
    answer = (
        f"Train {estimated(plan.N)} parameters on {estimated(plan.D)} tokens: as good over its "
        f"life as {show(result.N.value)} trained at its best, for {result.saving.value:.1%} less "
        f"{'compute' if unit == 'FLOP' else unit}"
    )
    return Report(
        report.title,
        (*blocks, table, words, picture),
        data,
        answer=answered(answer, report.blocks),
    )
