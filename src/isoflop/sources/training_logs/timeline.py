"""The history of a run on its steps: restarts joined, records of one step together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Integers, Mask, Numbers
from isoflop.errors import Note, amount
from isoflop.sources.training_logs.log import History, Log

FEWEST = 2  # values of a field by which a restart is told


@dataclass(frozen=True, eq=False)
class Timeline:
    """What a run logged at each of its `steps` (m,), which rise; `lines` (m,) is where."""

    steps: Numbers
    lines: Integers
    columns: Mapping[str, Numbers]
    notes: tuple[Note, ...]


def timeline(log: Log, step: str, fields: Collection[str]) -> Timeline:
    """Return some `fields` of a run by its steps, which the field `step` counts.

    A record without a step belongs to the last one that had one. Where the steps of the field
    that is logged most go back, the run was restarted: what it did again replaces what it did
    first. A field that comes late, as evaluations do, goes to the step that it names.
    """
    at = _carried(log.history.column(step))
    notes: list[Note] = []
    mask = np.isfinite(at)
    if lost := int((~mask).sum()):
        records = amount(lost, "record", "records")
        notes.append(
            Note("doubt", "step", f"{log.run}: {records} before the first step are left out")
        )
    names = [name for name in fields if name in log.history.series and name != step]
    leading = max(names, key=lambda n: log.history.series[n].rows.size, default=None)
    if leading is not None:
        mask &= _after_restarts(log, at, mask, log.history.series[leading].rows, notes)
    rows = np.flatnonzero(mask)
    rows = rows[np.argsort(at[rows], kind="stable")]
    steps, first, group = np.unique(at[rows], return_index=True, return_inverse=True)
    place = np.full(len(log.history), -1, np.int64)
    place[rows] = group
    columns = {name: _placed(log.history, name, place, steps.size) for name in names}
    if leading is not None:
        places = place[log.history.series[leading].rows]
        if lost := int((places >= 0).sum() - np.unique(places[places >= 0]).size):
            records = amount(lost, "record", "records")
            text = f"{log.run}: {records} of a step that came again: its last {leading} is taken"
            notes.append(Note("info", "replaced", text))
    return Timeline(steps, log.history.lines[rows[first]], columns, tuple(notes))


def _carried(values: Numbers) -> Numbers:
    """Return steps (n,), each that is missing taken from the last one before it."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(values.size), -1))
    return np.where(last >= 0, values[last], np.nan) if values.size else values


def _after_restarts(log: Log, at: Numbers, mask: Mask, rows: Integers, notes: list[Note]) -> Mask:
    """Return which records (n,) no later part of the run made again; each restart is noted."""
    keep = np.ones(at.size, bool)
    rows = rows[mask[rows]]
    for i in np.flatnonzero(np.diff(at[rows]) < 0):
        row, step, before = rows[i + 1], at[rows[i + 1]], at[rows[i]]
        again = keep & (at >= step) & (np.arange(at.size) < row)
        keep &= ~again
        text = (
            f"{log.run}: restarted at step {step:g} after step {before:g} (line "
            f"{log.history.lines[row]}); {amount(int(again.sum()), 'record', 'records')} that it "
            "made again are taken from the later part"
        )
        notes.append(Note("doubt", "restart", text, (int(log.history.lines[row]),)))
    return keep


def _placed(history: History, name: str, place: Integers, count: int) -> Numbers:
    """Return a field at each of `count` steps, its last finite value where it has several."""
    column = np.full(count, np.nan)
    series = history.series[name]
    there = (place[series.rows] >= 0) & np.isfinite(series.values)
    column[place[series.rows[there]]] = series.values[there]
    return column
