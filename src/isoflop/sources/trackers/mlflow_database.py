"""MLflow's store in SQLite (`mlflow.db`), read without MLflow."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns
from isoflop.sources.log_formats import FileFormat, FileHead, Follower, register
from isoflop.sources.trackers.sqlite import RowFollower, is_database, reading, tables
from isoflop.sources.training_logs.log import HistoryWriter, Log, Record, Wanted

NEEDED = {"experiments", "runs", "metrics", "params"}
_RUNS = """
SELECT runs.run_uuid, runs.name, runs.status, runs.start_time, experiments.name
FROM runs LEFT JOIN experiments ON runs.experiment_id = experiments.experiment_id
WHERE runs.lifecycle_stage = 'active' OR runs.lifecycle_stage IS NULL
ORDER BY runs.start_time
"""
_METRICS = (
    "SELECT key, value, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY step, timestamp"
)
_NEW = (
    "SELECT rowid, key, value, step, is_nan FROM metrics WHERE run_uuid = ? AND rowid > ? "
    "ORDER BY rowid"
)
_PARAMS = "SELECT key, value FROM params WHERE run_uuid = ?"


def _read(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield every run that was not deleted.

    Raises BadRuns for a database that is damaged or holds no run.
    """
    with reading(path) as connection:
        rows = connection.execute(_RUNS).fetchall()
        if not rows:
            raise BadRuns(f"{path} holds no run of MLflow, or all of them were deleted")
        for key, name, status, start, experiment in rows:
            settings = dict(connection.execute(_PARAMS, (key,)).fetchall())
            settings = {**settings, "experiment": experiment or ""}
            yield Log(
                run=str(name or key),
                recipe="",
                origin=str(path),
                history=_history(connection, str(key), wanted).history(),
                settings=settings,
                state=str(status or "").lower(),
                key=str(key),
                program="MLflow",
                start=float(start or 0),
            )


def _history(connection: sqlite3.Connection, key: str, wanted: Wanted) -> HistoryWriter:
    """Return what a run logged: values of one step belong to one record."""
    return by_steps(connection.execute(_METRICS, (key,)), wanted)


def by_steps(rows: Any, wanted: Wanted) -> HistoryWriter:
    """Return rows (name, value, step, whether it is no number), ordered by step, as a history."""
    writer = HistoryWriter(wanted)
    last: int | None = None
    for name, value, step, is_nan in rows:
        if step != last:
            writer.add(len(writer) + 1, (("step", float(step)),))
            last = step
        writer.put(len(writer) - 1, str(name), float("nan") if is_nan else float(value))
    return writer


def _follow(path: Path, run: str) -> Follower:
    """Return a run of a store, in the order in which its values were written."""
    return RowFollower(path, run, _names, _new, _record)


def _names(connection: sqlite3.Connection) -> dict[str, str]:
    return {str(key): str(name or key) for key, name, *_ in connection.execute(_RUNS)}


def _new(connection: sqlite3.Connection, key: str, last: int) -> Iterable[tuple[Any, ...]]:
    return connection.execute(_NEW, (key, last))


def _record(row: tuple[Any, ...]) -> Record:
    name, value, step, is_nan = row
    return {"step": float(step), str(name): float("nan") if is_nan else float(value)}


def _score(sample: FileHead) -> float:
    return 1000.0 if is_database(sample) and tables(sample.path).keys() >= NEEDED else 0.0


register(FileFormat("MLflow, SQLite", "store", _score, _read, follow=_follow))
