"""register: seal what a law says of a run before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.law_source import Level, model
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.register import page_of
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The run, and what is forecast of it."""

    name: Annotated[
        str | None, Option("of the run, by which it is found; its inputs unless given", "NAME")
    ] = None
    metric: Annotated[
        tuple[str, ...], Option("what each FIT forecasts, in their order; may be repeated", "NAME")
    ] = ()
    schedule: Annotated[
        str | None, Option("how the rate of the run will go, kept as it is written")
    ] = None


@command(
    "register",
    section="Runs under way",
    example="isoflop register fit.json --N 95568 --D 440320 --into register.jsonl",
)
def register(
    fit: Annotated[tuple[str, ...], Option("fits saved with --out, one a metric", "FIT...")] = (),
    *,
    run: RunOptions = RunOptions(),
    level: Level = None,
    growth: Annotated[
        float | None, Option("error of the form per factor e beyond the runs, from a backtest")
    ] = None,
    into: Annotated[str, Option("the register, or a study folder", "FILE")] = "register.jsonl",
    **at: float,
) -> Report:
    """Seal the forecast of a run before it is made.

    Forecast, interval, law, data, code, date and the predicted curve are added to a file in which
    each line seals the one before: what is changed, cut or added by hand is found by 'isoflop
    score'. Publish the seal, or the page that --html writes. Give each quantity that the laws take.
    """
    from isoflop import monitor

    if not fit:
        raise UsageError("give a fit saved with --out: isoflop register fit.json --N 70B --D 1.4T")
    metric = run.metric
    if metric and len(metric) != len(fit):
        raise UsageError(f"{len(fit)} fits have {len(metric)} metrics; give one --metric for each")
    if len(set(metric)) < len(metric):
        raise UsageError("two metrics have one name; name each on its own")
    models = [model(text, level=level, growth=growth) for text in fit]
    entry = monitor.register(
        dict(zip(metric, models, strict=True)) if metric else models,
        into,
        name=run.name,
        schedule=run.schedule or "",
        level=level,
        growth=growth,
        **at,
    )
    return page_of(entry)
