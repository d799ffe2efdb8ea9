"""The loss of schedules that were not run, and the best length of a decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Report, Table, note_blocks
from isoflop.schedules import Decays, ScheduleForecast, SchedulePredictions
from isoflop.schedules.forecast import NEARLY
from isoflop.schedules.judged_laws import doubts

FEW = 3  # schedules that the first sentence speaks of


@shows(SchedulePredictions)
def page_of(result: SchedulePredictions) -> Report:
    """Return the loss at the end of each schedule, the best length of decays, and figures."""
    from isoflop.pages.schedule_figures import predicted, rates

    curves, forecasts = result.curves, result.forecasts
    blocks: list[Block] = [
        *note_blocks(doubts(result.fits)),
        *note_blocks(note for c in curves for note in c.notes),
        *note_blocks(result.notes),
        ends_of(forecasts, result.level),
        *lengths(result.decays),
        Heading("Figures"),
        predicted(forecasts, curves),
        rates([*(c.schedule for c in curves), *result.schedules]),
    ]
    title = f"Loss along schedules that were not run, from {', '.join(c.name for c in curves)}"
    return Report(title, tuple(blocks), data(result), answer=answered(_answer(result), blocks))


def _answer(result: SchedulePredictions) -> str:
    """Return the last loss of each schedule by the first law."""
    key = result.forecasts[0].fit.choice.key
    mine = [a for a in result.forecasts if a.fit.choice.key == key]
    ends = (
        f"{a.schedule.name} ends at {estimate(float(a.loss[-1]), *_interval(a))}"
        for a in mine[:FEW]
    )
    return f"By {key}, {', '.join(ends)} nats/token"


def _interval(forecast: ScheduleForecast) -> tuple[float | None, float | None]:
    return forecast.end if len(forecast.draws) else (None, None)


def ends_of(forecasts: Sequence[ScheduleForecast], level: float) -> Table:
    """Return the loss at the end of each schedule, by law."""
    first = {a.fit.choice.key: a for a in reversed(forecasts)}
    rows: list[tuple[Cell, ...]] = []
    for a in forecasts:
        key = a.fit.choice.key
        against = (None, None, None) if a is first[key] else _difference(a, first[key])
        rows.append((a.schedule.name, key, float(a.loss[-1]), *_interval(a), *against))
    caption = "Loss at the last step [nats/token], and less that of the first schedule"
    if len(forecasts[0].draws):
        caption += (
            f", with {level:.0%} intervals: refits, and what such laws missed on public curves, "
            "also for schedules that were run. An interval against the first schedule that holds "
            "zero does not tell them apart"
        )
    return Table(
        ("schedule", "law", "last loss", "low", "high", "against the first", "low", "high"),
        tuple(rows),
        f"{caption}.",
    )


def _difference(
    a: ScheduleForecast, other: ScheduleForecast
) -> tuple[float | None, float | None, float | None]:
    value = float(a.loss[-1] - other.loss[-1])
    if not len(a.draws):
        return value, None, None
    tail = (1 - a.level) / 2
    low, high = np.quantile(a.draws[:, -1] - other.draws[:, -1], [tail, 1 - tail])
    return value, float(low), float(high)


def lengths(decays: Sequence[Decays]) -> list[Block]:
    """Return the best length of a decay."""
    if not decays:
        return []
    rows: list[tuple[Cell, ...]] = []
    for d in decays:
        share = d.best.fall / (d.recipe.steps - d.recipe.warmup)
        what = f"{d.recipe.kind} {show(d.recipe.steps)} {d.recipe.shape}"
        rows.append((what, d.key, d.best.fall, share, *d.good))
    caption = (
        "The decay [steps] that ends lowest, as a share of those after warm-up, and the shortest "
        f"and longest that lose less than {NEARLY:g} nats/token. The schedule above takes that of "
        "the first law. Laws err by more than refits show: where they differ, run both."
    )
    columns = ("schedule", "law", "best decay", "share", "shortest", "longest")
    return [Heading("Best length of the decay"), Table(columns, tuple(rows), caption)]


def data(result: SchedulePredictions) -> Mapping[str, Any]:
    """Return forecasts along schedules as JSON types."""
    return {
        "level": result.level,
        "notes": texts(result.notes),
        "predicted": [
            {
                "schedule": a.schedule.name,
                "law": a.fit.choice.key,
                "steps": a.steps.tolist(),
                "loss": a.loss.tolist(),
                **({"low": a.band[0].tolist(), "high": a.band[1].tolist()} if len(a.draws) else {}),
            }
            for a in result.forecasts
        ],
        "decays": [
            {
                "law": d.key,
                "recipe": str(d.best),
                "best": d.best.fall,
                "good": list(d.good),
                "falls": d.falls.tolist(),
                "loss": d.loss.tolist(),
            }
            for d in result.decays
        ],
    }
