"""schedule predict: the loss of schedules that were not run, and the best length of a decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from isoflop.commands.inputs import OptionalIntervals
from isoflop.commands.registry import Option, command
from isoflop.commands.schedule.schedule_options import Columns, Curves, Laws, Warmup
from isoflop.errors import UsageError
from isoflop.report import Report

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
    from isoflop.pages.schedule_predict import page_of
    from isoflop.schedules import predict_schedules, read_loss_curves, schedule_of

    _refuse_requests(to)
    loss_curves = read_loss_curves(curves, warmup, columns, to)
    predictions = predict_schedules(
        loss_curves,
        [schedule_of(text, warmup) for text in to],
        law,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(predictions)


def _refuse_requests(to: Sequence[str]) -> None:
    """Raise UsageError for a request without a schedule."""
    if not to:
        raise UsageError("say --to SCHEDULE, such as --to cosine:peak=3e-4,end=3e-5,steps=24k,...")
    if twice := [text for text in to if to.count(text) > 1]:
        raise UsageError(f"--to asks for {twice[0]} twice; say each schedule once")
