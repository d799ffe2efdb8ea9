"""schedule predict: the loss of schedules that were not run, and the best length of a decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.registry import Option, command
from isoflop.commands.schedule.reading import (
    Columns,
    Curves,
    Draws,
    Laws,
    Level,
    Seed,
    Warmup,
    check,
    doubts,
    read,
    wanted,
)
from isoflop.errors import UsageError
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.schedules import Ahead, Decays, Recipe, Schedule

_EXAMPLE = (
    "isoflop schedule predict sample:schedules --draws 40 "
    "--to cosine:peak=3e-4,end=3e-5,steps=12k,warmup=400 "
    "--to wsd:peak=3e-4,end=3e-5,steps=12k,warmup=400,decay=best"
)


@command("schedule predict", example=_EXAMPLE)
def schedule_predict(
    curves: Curves = (),
    *,
    to: Annotated[
        tuple[str, ...],
        Option(
            "a table of step and lr, or cosine:, linear:, constant:, drop: or "
            "wsd:peak=3e-4,end=3e-5,steps=24k,warmup=2k,decay=4k; decay=best searches",
            "SCHEDULE",
        ),
    ] = (),
    law: Laws = ("annealing", "multi-power"),
    warmup: Warmup = None,
    columns: Columns = None,
    draws: Draws = 100,
    level: Level = 0.9,
    seed: Seed = 0,
) -> Report:
    """Predict the loss along schedules of the rate that were not run.

    Laws are fitted to CURVES of one model, data and batch; intervals hold what the curves leave
    open and what such laws missed on public curves. The shape of a wsd decay is linear, cosine,
    exponential or 1-sqrt (shape=...); decay=best takes the length that ends lowest.
    """
    from isoflop.commands.schedule.pictures import predicted, rates
    from isoflop.schedules import Recipe, ahead, best_decay, fit

    check(draws, level)
    _refuse_requests(to)
    known = read(curves, warmup, columns, to)
    asked = [wanted(text, warmup) for text in to]
    found = [fit(key, known, draws=draws, seed=seed) for key in dict.fromkeys(law)]
    open_ = [one for one in asked if isinstance(one, Recipe) and one.open]
    decays = [best_decay(f, r) for r in open_ for f in found if f.choice.key != "power"]
    schedules = _named([_settled(one, decays) for one in asked])
    said = [ahead(f, s, level=level, seed=seed) for s in schedules for f in found]
    notes = _unsure(said, decays)
    blocks: list[Block] = [
        *doubts(found),
        *(Note(text) for c in known for text in c.notes),
        *(Note(text, "doubt") for text in notes),
        _ends(said, level),
        *_lengths(decays),
        Heading("Figures"),
        predicted(said, known),
        rates([*(c.schedule for c in known), *schedules]),
    ]
    title = f"Loss along schedules that were not run, from {', '.join(c.name for c in known)}"
    return Report(title, tuple(blocks), _data(said, decays, notes, level))


def _unsure(said: Sequence[Ahead], decays: Sequence[Decays]) -> list[str]:
    """Return each remark once: of laws on schedules, then on lengths of decay."""
    every = [*(a.notes for a in said), *(d.notes for d in decays)]
    return list(dict.fromkeys(text for notes in every for text in notes))


def _refuse_requests(to: Sequence[str]) -> None:
    if not to:
        raise UsageError("say --to SCHEDULE, such as --to cosine:peak=3e-4,end=3e-5,steps=24k,...")
    if twice := [text for text in to if to.count(text) > 1]:
        raise UsageError(f"--to asks for {twice[0]} twice; say each schedule once")


def _named(settled: Sequence[Schedule | Recipe]) -> list[Schedule]:
    """Return schedules under short names, or whole ones where two short ones are the same."""
    from isoflop.schedules import Recipe

    short = [s.short if isinstance(s, Recipe) else s.name for s in settled]
    return [
        s.schedule(str(s) if short.count(name) > 1 else name) if isinstance(s, Recipe) else s
        for name, s in zip(short, settled, strict=True)
    ]


def _settled(one: Schedule | Recipe, decays: Sequence[Decays]) -> Schedule | Recipe:
    """Return a schedule, its decay that of the first law where it was left open."""
    from isoflop.schedules import Recipe

    if not isinstance(one, Recipe) or not one.open:
        return one
    best = next((d.best for d in decays if d.recipe == one), None)
    if best is None:
        raise UsageError("the law 'power' is blind to decays; ask 'annealing' or 'multi-power'")
    return best


def _ends(said: Sequence[Ahead], level: float) -> Table:
    first = {a.fit.choice.key: a for a in reversed(said)}
    rows: list[tuple[Cell, ...]] = []
    for a in said:
        key = a.fit.choice.key
        against = (None, None, None) if a is first[key] else _difference(a, first[key])
        ends = a.end if len(a.drawn) else (None, None)
        rows.append((a.schedule.name, key, float(a.loss[-1]), *ends, *against))
    caption = "Loss at the last step [nats/token], and less that of the first schedule"
    if len(said[0].drawn):
        caption += (
            f", with {level:.0%} intervals: refits, and what such laws missed on public curves, "
            "also for schedules that were run. An interval against the first schedule that holds "
            "zero does not tell them apart"
        )
    return Table(
        ("schedule", "law", "last loss", "low", "high", "against the first", "low", "high"),
        tuple(rows), f"{caption}.",
    )  # fmt: skip


def _difference(a: Ahead, other: Ahead) -> tuple[float | None, float | None, float | None]:
    value = float(a.loss[-1] - other.loss[-1])
    if not len(a.drawn):
        return value, None, None
    tail = (1 - a.level) / 2
    low, high = np.quantile(a.drawn[:, -1] - other.drawn[:, -1], [tail, 1 - tail])
    return value, float(low), float(high)


def _lengths(decays: Sequence[Decays]) -> list[Block]:
    if not decays:
        return []
    from isoflop.schedules.ahead import NEARLY

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


def _data(
    said: Sequence[Ahead], decays: Sequence[Decays], notes: list[str], level: float
) -> Mapping[str, Any]:
    return {
        "level": level,
        "notes": notes,
        "predicted": [
            {
                "schedule": a.schedule.name, "law": a.fit.choice.key,
                "steps": a.steps.tolist(), "loss": a.loss.tolist(),
                **({"low": a.band[0].tolist(), "high": a.band[1].tolist()} if len(a.drawn) else {}),
            }
            for a in said
        ],
        "decays": [
            {"law": d.key, "recipe": str(d.best), "best": d.best.fall, "good": list(d.good),
             "falls": d.falls.tolist(), "loss": d.loss.tolist()}
            for d in decays
        ],
    }  # fmt: skip
