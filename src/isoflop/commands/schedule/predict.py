"""schedule predict: the loss of schedules that were not run, and the best length of a decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.inputs import OptionalIntervals
from isoflop.commands.registry import Option, command
from isoflop.commands.schedule.schedule_options import (
    Columns,
    Curves,
    Laws,
    Warmup,
    check,
    doubts,
    read,
    wanted,
)
from isoflop.pages.schedule_predict import (
    as_data,
    ends_of,
    lengths,
    named,
    refuse_requests,
    settled_of,
    unsure,
)
from isoflop.report import Block, Heading, Report, note_blocks

if TYPE_CHECKING:
    pass

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
    interval: OptionalIntervals = OptionalIntervals(draws=100),
) -> Report:
    """Predict the loss along schedules of the rate that were not run.

    Laws are fitted to CURVES of one model, data and batch; intervals hold what the curves leave
    open and what such laws missed on public curves. The shape of a wsd decay is linear, cosine,
    exponential or 1-sqrt (shape=...); decay=best takes the length that ends lowest.
    """
    from isoflop.pages.schedule_figures import predicted, rates
    from isoflop.schedules import ScheduleSpec, ahead, best_decay, fit

    check(interval.draws, interval.level)
    refuse_requests(to)
    runs = read(curves, warmup, columns, to)
    schedules_asked = [wanted(text, warmup) for text in to]
    fits = [fit(key, runs, draws=interval.draws, seed=interval.seed) for key in dict.fromkeys(law)]
    open_ = [one for one in schedules_asked if isinstance(one, ScheduleSpec) and one.open]
    decays = [best_decay(f, r) for r in open_ for f in fits if f.choice.key != "power"]
    schedules = named([settled_of(one, decays) for one in schedules_asked])
    forecasts = [
        ahead(f, s, level=interval.level, seed=interval.seed) for s in schedules for f in fits
    ]
    notes = unsure(forecasts, decays)
    blocks: list[Block] = [
        *doubts(fits),
        *note_blocks(note for c in runs for note in c.notes),
        *note_blocks(notes),
        ends_of(forecasts, interval.level),
        *lengths(decays),
        Heading("Figures"),
        predicted(forecasts, runs),
        rates([*(c.schedule for c in runs), *schedules]),
    ]
    title = f"Loss along schedules that were not run, from {', '.join(c.name for c in runs)}"
    return Report(title, tuple(blocks), as_data(forecasts, decays, notes, interval.level))
