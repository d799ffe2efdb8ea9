"""A run under way: how it stands, how it will end, and what looks wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoflop.monitor.live import Alert, Look, Replay
from isoflop.monitor.live.look import LEVEL
from isoflop.pages import shows
from isoflop.report import (
    Axis,
    Block,
    ErrorBar,
    Figure,
    Heading,
    Line,
    Paragraph,
    Points,
    Remark,
    Report,
    Table,
)


@shows(Look)
def page_of(look: Look) -> Report:
    """Return the page of one look: alerts first, then the forecast of the end and other ends."""
    blocks: list[Block] = [
        *(_note(alert) for alert in look.alerts),
        *_forecast(look),
        *([_outcomes(look)] if look.outcomes else []),
        *([_figure(look)] if look.steps.size > 1 else []),
    ]
    return Report(str(look), tuple(blocks), as_data(look), alarmed=look.is_alarmed)


@shows(Replay)
def page_of_replay(past: Replay) -> Report:
    """Return the page of a run that has ended: what would have been said, when, and saved."""
    rows = tuple(
        (alert.name, alert.severity, step, alert.step, alert.text) for step, alert in past.first
    )
    if past.stopped is None:
        title = "no alert would have been raised"
    else:
        title = (
            f"an alert at step {past.stopped:,.0f}: stopping there would have saved "
            f"{past.saved:.0%} of the run"
        )
    blocks: list[Block] = []
    if rows:
        blocks.append(
            Table(
                ("alert", "kind", "said at step", "since step", "what"), rows,
                "What would have been said, at the first look that said it.",
            )
        )  # fmt: skip
    blocks += [_forecasts(past), Heading("At its last look")]
    last = page_of(past.looks[-1])
    data = {
        "stopped": past.stopped,
        "saved": past.saved,
        "alerts": [{"said": step, **_plain(alert)} for step, alert in past.first],
        "forecasts": [_forecast_data(look) for look in past.looks if look.forecast],
        "last": last.data,
    }
    return Report(title, (*blocks, *last.blocks), data, alarmed=past.stopped is not None)


def as_data(look: Look) -> dict[str, Any]:
    """Return a look as JSON types."""
    return {
        "step": look.step,
        "loss": _finite(look.loss),
        "stream": look.stream,
        "standing": look.standing,
        "sigma": _finite(look.sigma),
        "level_sigma": _finite(look.level_sigma),
        "since": _finite(look.since),
        "reaches": _finite(look.reaches),
        "forecast": _forecast_data(look) if look.forecast else None,
        "why_not": look.why_not,
        "outcomes": [
            {"name": o.name, "loss": o.loss, "steps": o.steps, "cost": o.cost}
            for o in look.outcomes
        ],
        "alarmed": look.is_alarmed,
        "alerts": [_plain(alert) for alert in look.alerts],
    }


def _note(alert: Alert) -> Remark:
    is_alert = alert.severity == "alert"
    return Remark(f"{alert.name}: {alert.text}", "doubt" if is_alert else "info")


def _forecast(look: Look) -> list[Block]:
    if look.forecast is None:
        return [Remark(f"no forecast of the end: {look.why_not}")]
    f = look.forecast
    low, high = f.interval(LEVEL)
    rows = [("last loss", f.value, low, high), *((k, v, None, None) for k, v in f.members.items())]
    return [
        Table(
            ("of the end", "value", "low", "high"), tuple(rows),
            f"Forecast of {look.stream} at step {f.schedule.steps:,}, {LEVEL:.0%} interval",
        ),
        Paragraph(f"It stands on {f.grounds}."),
        *(
            [Paragraph(f"The target is reached with a probability of {look.reaches:.0%}.")]
            if math.isfinite(look.reaches)
            else []
        ),
    ]  # fmt: skip


def _outcomes(look: Look) -> Table:
    return Table(
        ("end", "last loss", "at step", "steps against the plan"),
        tuple((o.name, o.loss, o.steps, o.cost) for o in look.outcomes),
        "Other ends, by the same law; 'decay now' takes a fifth of its steps for the decay.",
    )


def _forecasts(past: Replay) -> Table:
    rows = tuple(
        (look.step, look.loss, look.forecast.value, *look.forecast.interval(LEVEL), look.standing)
        for look in past.looks
        if look.forecast is not None
    )
    return Table(("at step", "loss", "forecast", "low", "high", "stands"), rows, "Forecasts.")


def _figure(look: Look) -> Figure:
    late = look.steps >= 0.05 * look.steps[-1]
    layers: list[Any] = [Points(look.stream, look.steps[late], look.losses[late])]
    if look.forecast is not None:
        end = float(look.forecast.schedule.steps)
        low, high = look.forecast.interval(LEVEL)
        x = np.array([look.steps[-1], end])
        layers.append(Line("to the end", x, np.array([look.losses[-1], look.forecast.value])))
        layers.append(ErrorBar(f"forecast, {LEVEL:.0%}", end, look.forecast.value, low, high))
    return Figure(
        "The run so far", Axis("step", "steps", log=False), Axis(look.stream, "nats", log=False),
        tuple(layers), "The line joins the last loss and the forecast; it is no curve.",
    )  # fmt: skip


def _forecast_data(look: Look) -> dict[str, Any] | None:
    f = look.forecast
    if f is None:
        return None
    low, high = f.interval(LEVEL)
    return {
        "at": look.step,
        "value": f.value,
        "low": low,
        "high": high,
        "level": LEVEL,
        "members": dict(f.members),
        "grounds": f.grounds,
    }


def _plain(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.name,
        "severity": alert.severity,
        "step": alert.step,
        "strength": _finite(alert.strength),
        "text": alert.text,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
