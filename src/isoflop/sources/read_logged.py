"""Logs of any kind read to runs on their steps, of which curves and final runs are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.errors import Note
from isoflop.sources.cells import CellTable
from isoflop.sources.final_runs import final_runs
from isoflop.sources.log_formats import Watch
from isoflop.sources.logged_run import LoggedRun, logged_runs
from isoflop.sources.logged_table import LoggedTable, curve_table
from isoflop.sources.training_logs.log import Log
from isoflop.sources.training_logs.pretraining import is_wanted
from isoflop.sources.training_logs.read_logs import read_logs, silent


@dataclass(frozen=True)
class LoggedReading:
    """Runs that logs hold, where they are from, and what was done to get them."""

    runs: tuple[LoggedRun, ...]
    origin: str
    notes: tuple[Note, ...]


def read_logged(
    logs: Sequence[str],
    columns: Mapping[str, str],
    settings: Mapping[str, str],
    watch: Watch = silent,
) -> LoggedReading:
    """Return the runs of sources; only the fields that a curve may need are held in memory.

    Raises BadRuns for sources without a step or a loss.
    """
    wanted = is_wanted(columns.values())
    everything: list[Log] = []
    for i, text in enumerate(logs):
        everything += read_logs(text, wanted, _part_of(watch, i, len(logs)))
        watch(i + 1, len(logs))
    runs, notes = logged_runs(everything, columns, settings)
    return LoggedReading(tuple(runs), " + ".join(logs), tuple(notes))


def _part_of(watch: Watch, before: int, count: int) -> Watch:
    """Return what is told how far one source of several is read."""

    def tell(done: float, total: float) -> None:
        watch(before + done / total, count)

    return tell


def runs_table(source: str, columns: Mapping[str, str]) -> LoggedTable:
    """Return the final runs of a source."""
    reading = read_logged([source], columns, {})
    table = final_runs(reading.runs, source, columns)
    return _noted(table, reading.notes)


def curves_table(source: str, columns: Mapping[str, str]) -> LoggedTable:
    """Return the curves of a source."""
    reading = read_logged([source], columns, {})
    return _noted(curve_table(reading.runs, source), reading.notes)


def loss_curves(source: str, columns: Mapping[str, str]) -> CellTable:
    """Return the curves of a source without the steps at their end at which the rate is zero."""
    table = curves_table(source, columns)
    cells = table.cells
    rate = table.columns.get("lr")
    if rate is None:
        return cells
    ended = (rate == 0) & (table.columns["step"] > 0)
    if not ended.any():
        return cells
    keep = np.flatnonzero(~ended)
    columns_ = {k: v[keep] for k, v in table.columns.items()}
    labels = {k: [v[i] for i in keep.tolist()] for k, v in table.labels.items()}
    text = f"rows at which the rate is zero are left out: {int(ended.sum()):,}"
    notes = (*cells.notes, Note("info", "lr", text))
    return CellTable(cells.origin, {**columns_, **labels}, cells.rows[keep], {}, notes)


def _noted(table: LoggedTable, notes: Sequence[Note]) -> LoggedTable:
    import dataclasses

    return dataclasses.replace(table, notes=(*notes, *table.notes))
