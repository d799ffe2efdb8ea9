"""What a law says of a run that has not been made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.assess import Pool
from isoflop.errors import texts
from isoflop.fitting import Fit
from isoflop.forecasting import Forecast, Forecasts
from isoflop.law import Published
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered, estimated, times_beyond
from isoflop.pages.provenance import counted, described
from isoflop.quantities import quantity, show
from isoflop.report import Block, Paragraph, Report, Table, note_blocks
from isoflop.report.columns import Columns


@shows(Forecast)
def page_of(forecast: Forecast) -> Report:
    """Return a forecast as a report: its doubts, the value and its interval, among the runs."""
    from isoflop.pages.fit_figures import forecasted

    model = forecast.model
    row = (forecast.value, forecast.low, forecast.high, _unit(forecast), forecast.beyond)
    columns = (forecast.quantity, "low", "high", "unit", "beyond the runs [times]")
    blocks: list[Block] = [
        *note_blocks(forecast.notes),
        Table(columns, (row,), caption=f"at {_place(forecast)}"),
        Paragraph(meaning(forecast.level, forecast.parts, forecast.form)),
        *((described(model),) if isinstance(model, Fit | Pool | Published) else ()),
        *(forecasted(model, forecast) if isinstance(model, Fit) else ()),
    ]
    is_noted = any(note.topic == "distance" and note.kind != "info" for note in forecast.notes)
    answer = answered(
        f"{forecast.quantity} = {estimated(forecast)} at {_place(forecast)}"
        f"{'' if is_noted else times_beyond(forecast.beyond)}",
        blocks,
    )
    return Report(
        f"Forecast of {forecast.quantity}", tuple(blocks), as_data(forecast), answer=answer
    )


@tabulates(Forecast)
def tables_of(forecast: Forecast) -> dict[str, Columns]:
    """Return a forecast as one row: its inputs, the value and the interval."""
    columns = {symbol: [value] for symbol, value in forecast.at.items()}
    names = ("value", "low", "high", "level", "beyond")
    return {"forecast": columns | {name: [getattr(forecast, name)] for name in names}}


@shows(Forecasts)
def page_of_points(forecasts: Forecasts) -> Report:
    """Return forecasts at several points as a report, the doubts of any of them first."""
    points, first = forecasts.points, forecasts.points[0]
    columns = tables_of_points(forecasts)["forecasts"]
    notes = dict.fromkeys(note for point in points for note in point.notes)
    blocks: list[Block] = [
        *note_blocks(notes),
        Table(tuple(columns), tuple(zip(*columns.values(), strict=True))),
        Paragraph(meaning(first.level, points[-1].parts, points[-1].form)),
    ]
    ends = " to ".join(f"{estimated(p)} at {_place(p)}" for p in (first, points[-1]))
    answer = answered(f"{first.quantity} = {ends}", blocks)
    data = {"points": [as_data(point) for point in points]}
    return Report(f"Forecasts of {first.quantity}", tuple(blocks), data, answer=answer)


@tabulates(Forecasts)
def tables_of_points(forecasts: Forecasts) -> dict[str, Columns]:
    """Return a row for every point: its inputs, the value and the interval."""
    rows = [tables_of(point)["forecast"] for point in forecasts.points]
    return {"forecasts": {name: [row[name][0] for row in rows] for name in rows[0]}}


def as_data(forecast: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON types."""
    return {
        "quantity": forecast.quantity,
        "at": dict(forecast.at),
        "value": forecast.value,
        "low": forecast.low,
        "high": forecast.high,
        "level": forecast.level,
        "beyond": forecast.beyond,
        "parts": list(forecast.parts),
        "growth": None if forecast.form is None else forecast.form.growth,
        "notes": texts(forecast.notes),
    }


def _place(forecast: Forecast) -> str:
    return ", ".join(f"{symbol} = {show(value)}" for symbol, value in forecast.at.items())


def _unit(forecast: Forecast) -> str:
    """Return the unit of the forecast, and how it is counted where its model says so."""
    model = forecast.model
    if isinstance(model, Fit | Pool | Published):
        return counted(model, forecast.quantity)
    return quantity(forecast.quantity).unit


if TYPE_CHECKING:
    from isoflop.fitting.trust import FormError


def meaning(level: float, parts: tuple[str, ...], form: FormError | None = None) -> str:
    """Return what the interval of a forecast carries."""
    if not parts:
        return "There is no interval."
    words = {
        "parameters": "the scatter of the fit",
        "noise": "of the runs",
        "noise by scale": "of the runs as it changes with scale",
        "form": "of the form",
        "choice": "of the choice among forms",
    }
    phrases = [words.get(part, part) for part in parts]
    joined = " and ".join(filter(None, (", ".join(phrases[:-1]), phrases[-1])))
    return f"The interval holds {level:.0%} of the draws; they carry {joined}.{_off(form)}"


def _off(form: FormError | None) -> str:
    """Return how far the form is held to be off, and what says so."""
    if form is None or not form.growth:
        return ""
    source = f"what {form.splits} splits of the runs showed" if form.splits else "as usual"
    source = "as stated" if form.reason == "as stated" else source
    return (
        f" The form is held to be off by {form.growth:.2%} for each factor e beyond the runs: "
        f"{source}."
    )
