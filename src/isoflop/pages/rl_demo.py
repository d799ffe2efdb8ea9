"""Train for real, forecast the second half from the first, and say how far off it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    Cell,
    ErrorBar,
    Figure,
    Layer,
    Line,
    Points,
    Remark,
    Table,
)

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.forecasting import Forecast
    from isoflop.runs import Runs


SEEN = 0.5  # share of the compute that a forecast is made from

LAST = 3  # looks whose mean is what came: one look scatters by more than a forecast should miss

LEVEL = 0.9


@dataclass(frozen=True)
class RecipeForecast:
    """What was forecast of one recipe from its first half, and what came (`truth`)."""

    recipe: str
    form: str
    forecast: Forecast
    truth: float
    fit: Fit[Any]  # of that form, to the first half

    @property
    def off(self) -> float:
        """How far the forecast was above what came [reward]."""
        return self.forecast.value - self.truth

    @property
    def inside(self) -> bool:
        """Whether the interval holds what came."""
        low, high = self.forecast.low, self.forecast.high
        return low is not None and high is not None and low <= self.truth <= high


def end_of(runs: Runs) -> tuple[float, float]:
    """Return the mean over runs of the compute and the reward of the last looks of each."""
    compute, reward = [], []
    for name in sorted(set(runs.labels["run"].tolist())):
        mine = runs.select(runs.labels["run"] == name)
        last = np.argsort(mine["C"])[-LAST:]
        compute.append(mine["C"][last].mean())
        reward.append(mine["R"][last].mean())
    return float(np.mean(compute)), float(np.mean(reward))


def verdicts(forecasts: tuple[RecipeForecast, ...], refused: Mapping[str, str]) -> list[Block]:
    """Return whether the forecasts of recipes held what was measured."""
    blocks: list[Block] = []
    for s in forecasts:
        f = s.forecast
        text = (
            f"{s.recipe}: from the first half of its compute, {s.form} forecast a pass rate of "
            f"{f.value:.3f} ({f.low:.3f} to {f.high:.3f}) at {show(f.at['C'])} FLOP; "
            f"{s.truth:.3f} came: off by {s.off:+.3f}"
        )
        blocks.append(Remark(text, "good" if s.inside else "doubt"))
    return [*blocks, *(Remark(f"{name}: {why}", "doubt") for name, why in refused.items())]


def table(forecasts: tuple[RecipeForecast, ...]) -> Table:
    """Return the forecast of each recipe beside what was measured."""
    rows: list[tuple[Cell, ...]] = [
        (
            s.recipe,
            s.form,
            s.forecast.value,
            s.forecast.low,
            s.forecast.high,
            s.truth,
            s.off,
            "yes" if s.inside else "no",
        )
        for s in forecasts
    ]
    return Table(
        ("recipe", "law", "forecast R", "low", "high", "what came", "off by", "holds it"),
        tuple(rows),
        f"{LEVEL:.0%} intervals. The law was chosen by held-out error within the first half; what "
        f"came is the mean of the last {LAST} looks of every run.",
    )


def figure(runs: Runs, forecast: RecipeForecast) -> Figure:
    """Return the runs, the forecast made from their first half, and what came."""
    end = forecast.forecast.at["C"]
    f = forecast.forecast
    layers: list[Layer] = [
        Points(str(name), mine["C"], mine["R"], group=str(name))
        for name in sorted(set(runs.labels["run"].tolist()))
        for mine in (runs.select(runs.labels["run"] == name),)
    ]
    count = int((runs["C"] <= SEEN * end).sum())
    grid = np.geomspace(float(runs["C"].min()), float(runs["C"].max()), 80)
    curve = forecast.fit.predict(C=grid)
    layers.append(Line(f"{forecast.form} through the first half", grid, curve, group="chosen"))
    low, high = f.low if f.low is not None else f.value, f.high if f.high is not None else f.value
    layers.append(ErrorBar("forecast of the end", end, f.value, low, high, group="chosen"))
    layers.append(Points("what came", np.array([end]), np.array([forecast.truth]), "truth"))
    return Figure(
        f"{forecast.recipe}: the forecast and what came",
        Axis.of("C", "FLOP, detailed"),
        Axis.of("R", log=False),
        tuple(layers),
        f"The forecast, by {forecast.form}, saw what lies left of the line: {count} of {len(runs)} "
        "looks.",
        SEEN * end,
    )


def as_data(forecasts: tuple[RecipeForecast, ...]) -> dict[str, Any]:
    """Return the forecasts of recipes as JSON types."""
    return {
        "level": LEVEL,
        "recipes": {
            s.recipe: {
                "form": s.form,
                "at": s.forecast.at["C"],
                "value": s.forecast.value,
                "low": s.forecast.low,
                "high": s.forecast.high,
                "truth": s.truth,
                "off": s.off,
                "inside": s.inside,
            }
            for s in forecasts
        },
    }
