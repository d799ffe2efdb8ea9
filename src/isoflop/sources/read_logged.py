"""Logs of any kind read to runs on their steps, of which curves and final runs are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from isoflop.errors import Note
from isoflop.sources.final_runs import final_runs
from isoflop.sources.logged_run import LoggedRun, logged_runs
from isoflop.sources.logged_table import LoggedTable, curve_table
from isoflop.sources.training_logs.log import Log
from isoflop.sources.training_logs.pretraining import is_wanted
from isoflop.sources.training_logs.read_logs import read_logs, silent


@dataclass(frozen=True)
class Reading:
    """Runs that logs hold, where they are from, and what was done to get them."""

    runs: tuple[LoggedRun, ...]
    origin: str
    notes: tuple[Note, ...]


def read_logged(
    logs: Sequence[str],
    columns: Mapping[str, str],
    settings: Mapping[str, str],
    watch: Callable[[float, float], None] = silent,
) -> Reading:
    """Return the runs of sources; only the fields that a curve may need are held in memory.

    Raises BadRuns for sources without a step or a loss.
    """
    wanted = is_wanted(columns.values())
    everything: list[Log] = []
    for i, text in enumerate(logs):
        everything += read_logs(
            text, wanted, lambda done, total, i=i: watch(i + done / total, len(logs))
        )
        watch(i + 1, len(logs))
    runs, notes = logged_runs(everything, columns, settings)
    return Reading(tuple(runs), " + ".join(logs), tuple(notes))


def runs_table(source: str, columns: Mapping[str, str]) -> LoggedTable:
    """Return the final runs of a source."""
    reading = read_logged([source], columns, {})
    table = final_runs(reading.runs, source, columns)
    return _noted(table, reading.notes)


def curves_table(source: str, columns: Mapping[str, str]) -> LoggedTable:
    """Return the curves of a source."""
    reading = read_logged([source], columns, {})
    return _noted(curve_table(reading.runs, source), reading.notes)


def _noted(table: LoggedTable, notes: Sequence[Note]) -> LoggedTable:
    import dataclasses

    return dataclasses.replace(table, notes=(*notes, *table.notes))
