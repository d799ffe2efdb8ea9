"""schedule fit: laws of the loss along a learning-rate schedule, judged by held-out curves."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import OptionalIntervals
from isoflop.commands.registry import Option, command
from isoflop.commands.schedule.schedule_options import Columns, Curves, Laws, Warmup
from isoflop.report import Report


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
    from isoflop.pages.schedule_fit import page_of
    from isoflop.schedules import fit_schedules, read_loss_curves

    fits = fit_schedules(
        read_loss_curves(curves, warmup, columns),
        law,
        hold_out=hold_out,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(fits)
