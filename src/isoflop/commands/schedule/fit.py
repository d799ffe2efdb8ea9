"""schedule fit: laws of the loss along a learning-rate schedule, judged by held-out curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.inputs import OptionalIntervals
from isoflop.commands.registry import Option, command
from isoflop.commands.schedule.schedule_options import (
    Columns,
    Curves,
    Laws,
    Warmup,
    apart,
    check,
    doubts,
    read,
)
from isoflop.pages.schedule_fit import as_data, curves_of, judged_of, parameters
from isoflop.report import Block, Heading, Paragraph, Report, note_blocks

if TYPE_CHECKING:
    pass


@command("schedule fit", example="isoflop schedule fit sample:schedules --draws 40 --hold-out wsd")
def schedule_fit(
    curves: Curves = (),
    *,
    hold_out: Annotated[
        tuple[str, ...], Option("judge by this curve and do not fit it; may be repeated", "CURVE")
    ] = (),
    law: Laws = ("annealing", "multi-power", "power"),
    warmup: Warmup = None,
    columns: Columns = None,
    interval: OptionalIntervals = OptionalIntervals(draws=100),
) -> Report:
    """Fit laws of the loss along a schedule, and judge them by curves.

    CURVES are runs of one model, data and batch, each under a schedule of its own:
    a constant rate and one decay at least. Curves that are held out judge the laws; if none is
    named, each decay is held out in turn where another is left. None is crowned.
    """
    from isoflop.pages.schedule_figures import against_step, rates
    from isoflop.schedules import each_held_out, fit, held_out

    check(interval.draws, interval.level)
    train, test = apart(read(curves, warmup, columns), hold_out)
    fits = {
        key: fit(key, train, draws=interval.draws, seed=interval.seed) for key in dict.fromkeys(law)
    }
    if test:
        held_out_errors = tuple(
            held_out(f, c, interval.level, interval.seed) for f in fits.values() for c in test
        )
    else:
        held_out_errors = each_held_out(tuple(fits), train)
    blocks: list[Block] = [
        *doubts(tuple(fits.values())),
        *note_blocks(note for c in (*train, *test) for note in c.notes),
        curves_of(train, test),
        *(Paragraph(f"{key}: {f.choice.summary}.") for key, f in fits.items()),
        parameters(fits, interval.level),
        *judged_of(
            held_out_errors, bool(test), interval.level if interval.draws and test else None
        ),
        Heading("Figures"),
        against_step(next(iter(fits.values())), test, interval.level, interval.seed),
        rates([c.schedule for c in (*train, *test)]),
    ]
    title = f"Loss along schedules: {', '.join(c.name for c in train)}"
    return Report(title, tuple(blocks), as_data(fits, held_out_errors, test, interval.level))
