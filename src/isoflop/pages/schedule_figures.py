"""Figures of learning-rate schedules: loss against step with what laws say of it, and the rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from isoflop.report import Axis, Band, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.schedules import LossCurve, Schedule, ScheduleFit, ScheduleForecast

MOST = {"data": 60, "truth": 20}  # points of a curve that are drawn
EARLY = 0.2  # share of the longest run that is not drawn: there the loss falls too steeply
_STEP = Axis("step", "steps", log=False)
_LOSS = Axis.of("L", log=False)
_FROM = f"The first {EARLY:.0%} of the longest run are not drawn."
_RATE = Axis("learning rate", "1", log=False)


def against_step(fit: ScheduleFit, curves: Sequence[LossCurve], level: float, seed: int) -> Figure:
    """Return the curves, a law through those it was fitted to, and its intervals of the others."""
    from isoflop.schedules import grouped, held_out

    first = EARLY * max(int(c.steps[-1]) for c in (*fit.curves, *curves))
    layers: list[Layer] = []
    for c in (c for c in fit.curves if c.steps[-1] >= first):
        late = c.steps >= first
        line = fit.law(grouped(c.schedule, c.steps))[late]
        layers.append(_points(c, c.name, "data", first))
        layers.append(Line(f"{c.name}, fit", c.steps[late].astype(float), line, group=c.name))
    for c in (c for c in curves if c.steps[-1] >= first):
        late = c.steps >= first
        forecast, x = held_out(fit, c, level, seed).forecast, c.steps[late].astype(float)
        if len(forecast.draws):
            low, high = forecast.band[:, late]
            layers.append(Band(f"{level:.0%} of {c.name}", x, low, high, group=c.name))
        line = forecast.loss[late]
        layers.append(Line(f"{c.name}, forecast", x, line, "frontier", group=c.name))
        layers.append(_points(c, f"{c.name}, held out", "truth", first))
    last = max(int(c.steps[-1]) for c in fit.curves)
    beyond = any(c.steps[-1] > last for c in curves)
    return Figure(
        f"Loss along schedules, law {fit.choice.key}",
        _STEP,
        _LOSS,
        tuple(layers),
        f"Points are measured, lines the law; bands hold a single measurement. {_FROM}",
        float(last) if beyond else None,
    )


def predicted(forecasts: Sequence[ScheduleForecast], curves: Sequence[LossCurve]) -> Figure:
    """Return what laws say of schedules, with the curves that they were fitted to."""
    first = EARLY * max(
        int(s[-1]) for s in (*(a.steps for a in forecasts), *(c.steps for c in curves))
    )
    layers: list[Layer] = [
        _points(c, c.name, "data", first) for c in curves if c.steps[-1] >= first
    ]
    for a in (a for a in forecasts if a.steps[-1] >= first):
        late, schedule, key = a.steps >= first, a.schedule.name, a.fit.choice.key
        x, name = a.steps[late].astype(float), f"{schedule}, {key}"
        chosen = key == forecasts[0].fit.choice.key
        if len(a.draws) and chosen:
            low, high = a.band[:, late]
            layers.append(Band(f"{a.level:.0%} of {name}", x, low, high, group=schedule))
        layers.append(Line(name, x, a.loss[late], "fit" if chosen else "rival", group=schedule))
    last = max(int(c.steps[-1]) for c in curves)
    return Figure(
        "Loss along schedules that were not run",
        _STEP,
        _LOSS,
        tuple(layers),
        "Points are the curves that were fitted; lines and bands are the first law's, thin lines "
        f"those of the others. {_FROM}",
        float(last) if any(a.steps[-1] > last for a in forecasts) else None,
    )


def rates(schedules: Sequence[Schedule]) -> Figure:
    """Return the learning rates of schedules against the step."""
    layers = []
    for s in schedules:
        x = np.unique(np.linspace(0, s.steps, 400).round().astype(int))
        layers.append(Line(s.name, x.astype(float), s.rates[x], group=s.name))
    return Figure("Learning rates", _STEP, _RATE, tuple(layers))


def _points(c: LossCurve, name: str, kind: Literal["data", "truth"], first: float) -> Points:
    at = np.flatnonzero(c.steps >= first)
    at = at[np.unique(np.linspace(0, at.size - 1, MOST[kind]).round().astype(int))]
    return Points(name, c.steps[at].astype(float), c.loss[at], kind, group=c.name)
