"""forecast: what a law says of a run that has not been made."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.law_source import Level, Model, model
from isoflop.commands.registry import Option, command
from isoflop.errors import texts
from isoflop.pages.forecast import meaning
from isoflop.pages.provenance import counted, described
from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Report, Table, note_blocks


@command("forecast", example="isoflop forecast chinchilla/besiroglu2024 --N 70B --D 1.4T")
def forecast(
    fit: Model,
    *,
    level: Level = None,
    growth: Annotated[
        float | None,
        Option(
            "error of the form per factor e beyond the runs, from a backtest (the demo has one)"
        ),
    ] = None,
    **at: float,
) -> Report:
    """Forecast a run from a saved fit, or from published constants.

    Give each quantity that the law takes. The answer is a value, the interval that holds it, and
    how far the run lies beyond those behind the fit.
    """
    from isoflop import forecasting
    from isoflop.fitting import Fit
    from isoflop.pages.fit_figures import forecasted

    source = model(fit, level=level, growth=growth)
    forecast = forecasting.forecast(source, level=level, growth=growth, **at)
    row = (
        forecast.value,
        forecast.low,
        forecast.high,
        counted(source, forecast.quantity),
        forecast.beyond,
    )
    columns = (forecast.quantity, "low", "high", "unit", "beyond the runs [times]")
    where = ", ".join(f"{s} = {show(v)}" for s, v in forecast.at.items())
    blocks: list[Block] = [
        *note_blocks(forecast.notes),
        Table(columns, (row,), caption=f"at {where}"),
        Paragraph(meaning(forecast.level, forecast.parts)),
        described(source),
        *(forecasted(source, forecast) if isinstance(source, Fit) else ()),
    ]
    data = {
        "quantity": forecast.quantity,
        "at": dict(forecast.at),
        "value": forecast.value,
        "low": forecast.low,
        "high": forecast.high,
        "level": forecast.level,
        "beyond": forecast.beyond,
        "parts": list(forecast.parts),
        "notes": texts(forecast.notes),
    }
    return Report(f"Forecast of {forecast.quantity}", tuple(blocks), data)
