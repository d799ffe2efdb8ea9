"""The loss of schedules that were not run, and the best length of a decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import Notes, UsageError, texts
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Table

if TYPE_CHECKING:
    from isoflop.schedules import Decays, Schedule, ScheduleForecast, ScheduleSpec


def unsure(forecasts: Sequence[ScheduleForecast], decays: Sequence[Decays]) -> Notes:
    """Return each remark once: of laws on schedules, then on lengths of decay."""
    every = [*(a.notes for a in forecasts), *(d.notes for d in decays)]
    return tuple(dict.fromkeys(note for notes in every for note in notes))


def refuse_requests(to: Sequence[str]) -> None:
    """Raise UsageError for a request without a schedule."""
    if not to:
        raise UsageError("say --to SCHEDULE, such as --to cosine:peak=3e-4,end=3e-5,steps=24k,...")
    if twice := [text for text in to if to.count(text) > 1]:
        raise UsageError(f"--to asks for {twice[0]} twice; say each schedule once")


def named(settled: Sequence[Schedule | ScheduleSpec]) -> list[Schedule]:
    """Return schedules under short names, or whole ones where two short ones are the same."""
    from isoflop.schedules import ScheduleSpec

    short = [s.short if isinstance(s, ScheduleSpec) else s.name for s in settled]
    return [
        s.schedule(str(s) if short.count(name) > 1 else name) if isinstance(s, ScheduleSpec) else s
        for name, s in zip(short, settled, strict=True)
    ]


def settled_of(one: Schedule | ScheduleSpec, decays: Sequence[Decays]) -> Schedule | ScheduleSpec:
    """Return a schedule, its decay that of the first law where it was left open."""
    from isoflop.schedules import ScheduleSpec

    if not isinstance(one, ScheduleSpec) or not one.open:
        return one
    best = next((d.best for d in decays if d.recipe == one), None)
    if best is None:
        raise UsageError("the law 'power' is blind to decays; ask 'annealing' or 'multi-power'")
    return best


def ends_of(forecasts: Sequence[ScheduleForecast], level: float) -> Table:
    """Return the loss at the end of each schedule, by law."""
    first = {a.fit.choice.key: a for a in reversed(forecasts)}
    rows: list[tuple[Cell, ...]] = []
    for a in forecasts:
        key = a.fit.choice.key
        against = (None, None, None) if a is first[key] else _difference(a, first[key])
        ends = a.end if len(a.draws) else (None, None)
        rows.append((a.schedule.name, key, float(a.loss[-1]), *ends, *against))
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
    from isoflop.schedules.forecast import NEARLY

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


def as_data(
    forecasts: Sequence[ScheduleForecast], decays: Sequence[Decays], notes: Notes, level: float
) -> Mapping[str, Any]:
    """Return forecasts along schedules as JSON types."""
    return {
        "level": level,
        "notes": texts(notes),
        "predicted": [
            {
                "schedule": a.schedule.name,
                "law": a.fit.choice.key,
                "steps": a.steps.tolist(),
                "loss": a.loss.tolist(),
                **({"low": a.band[0].tolist(), "high": a.band[1].tolist()} if len(a.draws) else {}),
            }
            for a in forecasts
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
            for d in decays
        ],
    }
