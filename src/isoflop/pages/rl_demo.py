"""Train for real, forecast the second half from the first, and say how far off it was."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.monitor.reward_curves import HALF, LAST, RecipeComparison, RecipeForecast
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimated
from isoflop.pages.rl_compare import MEANS
from isoflop.pages.rl_fit import parameters, trust
from isoflop.pages.rl_run import ends
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    Cell,
    ErrorBar,
    Figure,
    Heading,
    Layer,
    Line,
    Paragraph,
    Points,
    Remark,
    Report,
    Table,
)
from isoflop.runs import Runs
from isoflop.studies.reinforcement import LEVEL, ReinforcementStudy


@shows(ReinforcementStudy)
def page_of(study: ReinforcementStudy) -> Report:
    """Return the forecasts of a study, whether they held, and its first two recipes compared."""
    blocks: list[Block] = [
        *verdicts(study),
        ends(study.runs),
        Heading("The second half, forecast from the first"),
        table(study.forecasts),
        *(figure(study.logs.by_recipe[s.recipe], s) for s in study.forecasts),
        *(compared(study.comparison) if study.comparison is not None else ()),
    ]
    title = "Reinforcement learning: forecast, and what came"
    answer = answered(_answer(study), blocks)
    return Report(title, tuple(blocks), as_data(study.forecasts), answer=answer)


def _answer(study: ReinforcementStudy) -> str:
    inside = sum(s.inside for s in study.forecasts)
    first = ", ".join(
        f"{s.recipe} {estimated(s.forecast)}, measured {show(s.truth, 3)}" for s in study.forecasts
    )
    count = len(study.forecasts)
    return f"{inside} of {count} intervals, forecast from half of each run, hold its end: {first}"


def compared(comparison: RecipeComparison) -> list[Block]:
    """Return two recipes side by side, from all of their looks."""
    from isoflop.pages.rl_figures import curves

    pair, every = comparison.pairs[0], list(comparison.curves.values())
    return [
        Heading("Two recipes"),
        Paragraph(f"From {pair.first.recipe} to {pair.second.recipe}: {MEANS[pair.verdict]}."),
        *(block for curve in every for block in trust(curve)),
        parameters(every, LEVEL),
        curves(every),
    ]


def verdicts(study: ReinforcementStudy) -> list[Block]:
    """Return whether the forecasts of recipes held what was measured."""
    blocks: list[Block] = []
    for s in study.forecasts:
        f = s.forecast
        text = (
            f"{s.recipe}: from the first half of its compute, {s.form} forecast a pass rate of "
            f"{f.value:.3f} ({f.low:.3f} to {f.high:.3f}) at {show(f.at['C'])} FLOP; "
            f"{s.truth:.3f} came: off by {s.off:+.3f}"
        )
        blocks.append(Remark(text, "good" if s.inside else "doubt"))
    return [*blocks, *(Remark(f"{name}: {why}", "doubt") for name, why in study.refused.items())]


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
    count = int((runs["C"] <= HALF * end).sum())
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
        HALF * end,
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
