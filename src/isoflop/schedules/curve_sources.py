"""Loss curves and schedules as a user names them: files, samples, and schedules in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from isoflop.errors import UnknownName, UsageError
from isoflop.schedules.curves import LossCurve, read_curves, read_rates, together
from isoflop.schedules.rates import KINDS, Schedule, ScheduleSpec, recipe
from isoflop.schedules.simulated import SAMPLE, sample_curves
from isoflop.sources.packaged import PREFIX


def read_loss_curves(
    texts: Sequence[str],
    warmup: int | None = None,
    columns: Mapping[str, str] | None = None,
    ahead: Sequence[str] = (),
) -> tuple[LossCurve, ...]:
    """Return the curves of files, or of sample:schedules, that one law may be fitted to.

    `ahead` are the schedules to predict, which may be tables, too.
    """
    if not texts:
        raise UsageError(
            "give one loss curve or more: isoflop schedule fit constant.csv cosine.csv"
        )
    if columns and all(text.startswith(PREFIX) for text in texts):
        raise UsageError("--columns names the columns of tables, and none is given")
    tables = [text for text in texts if not text.startswith(PREFIX)]
    if warmup is not None and not (tables or any(map(is_rate_table, ahead))):
        raise UsageError("--warmup is of tables that leave it out, and none is given")
    curves: list[LossCurve] = []
    for text in texts:
        if text == PREFIX + SAMPLE:
            curves += sample_curves()
        elif text.startswith(PREFIX):
            raise UnknownName("sample of loss curves", text.removeprefix(PREFIX), (SAMPLE,))
        else:
            curves += read_curves(text, warmup=warmup, columns=columns)
    return together(curves)


def is_rate_table(text: str) -> bool:
    """Return whether text names a table of step and lr, and does not say a schedule in words."""
    return Path(text).is_file() or bool(text and ":" not in text and text not in KINDS)


def schedule_of(text: str, warmup: int | None = None) -> Schedule | ScheduleSpec:
    """Return the schedule of a table of step and lr, or what a line of text says."""
    if is_rate_table(text):
        return read_rates(text, warmup=warmup)
    return recipe(text)
