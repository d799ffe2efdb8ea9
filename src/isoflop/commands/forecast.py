"""forecast: what a law says of a run that has not been made."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.given_law import (
    Level,
    Model,
    counted,
    described,
    model,
    noted,
)
from isoflop.commands.registry import Option, command
from isoflop.quantities import show
from isoflop.report import Paragraph, Report, Table


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
    from isoflop.commands.pictures import forecasted
    from isoflop.fitting import Fit

    found = model(fit, level=level, growth=growth)
    said = forecasting.forecast(found, level=level, growth=growth, **at)
    row = (said.value, said.low, said.high, counted(found, said.quantity), said.beyond)
    columns = (said.quantity, "low", "high", "unit", "beyond the runs [times]")
    where = ", ".join(f"{s} = {show(v)}" for s, v in said.at.items())
    blocks = [
        *noted(found, said.notes),
        Table(columns, (row,), caption=f"at {where}"),
        Paragraph(_meaning(said.level, said.parts)),
        described(found),
        *(forecasted(found, said) if isinstance(found, Fit) else ()),
    ]
    data = {
        "quantity": said.quantity,
        "at": dict(said.at),
        "value": said.value,
        "low": said.low,
        "high": said.high,
        "level": said.level,
        "beyond": said.beyond,
        "parts": list(said.parts),
        "notes": list(said.notes),
    }
    return Report(f"Forecast of {said.quantity}", tuple(blocks), data)


def _meaning(level: float, parts: tuple[str, ...]) -> str:
    if not parts:
        return "There is no interval."
    words = {
        "parameters": "the scatter of the fit", "noise": "of the runs",
        "noise by scale": "of the runs as it changes with scale", "form": "of the form",
        "choice": "of the choice among forms",
    }  # fmt: skip
    held = [words.get(part, part) for part in parts]
    joined = " and ".join(filter(None, (", ".join(held[:-1]), held[-1])))
    return f"The interval holds {level:.0%} of the draws; they carry {joined}."
