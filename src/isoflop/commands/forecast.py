"""forecast: what a law says of a run that has not been made."""

from __future__ import annotations

from isoflop.commands.law_source import Growth, Level, Model, model
from isoflop.commands.registry import command
from isoflop.pages.forecast import page_of
from isoflop.report import Report


@command(
    "forecast",
    section="Begin here",
    example="isoflop forecast chinchilla/besiroglu2024 --N 70B --D 1.4T",
)
def forecast(
    fit: Model,
    *,
    level: Level = None,
    growth: Growth = None,
    **at: float,
) -> Report:
    """Forecast a run from a saved fit, or from published constants.

    Give each quantity that the law takes. The answer is a value, the interval that holds it, and
    how far the run lies beyond those behind the fit.
    """
    from isoflop import forecasting

    source = model(fit, level=level, growth=growth)
    return page_of(forecasting.forecast(source, level=level, growth=growth, **at))
