"""trackio's store: one database of SQLite a project, read without trackio."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns, Note
from isoflop.files import BadJSON, parse_json
from isoflop.sources.log_formats import (
    AddressFormat,
    FileFormat,
    FileHead,
    Follower,
    Watch,
    register,
)
from isoflop.sources.trackers.sqlite import RowFollower, is_database, reading, tables
from isoflop.sources.training_logs.log import HistoryWriter, Log, Record, Wanted, flat

HOME = "~/.cache/huggingface/trackio"  # unless $TRACKIO_DIR says otherwise
_COLUMNS = {"run_name", "step", "metrics"}


def _read(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of a project.

    Raises BadRuns for a database that is damaged or holds no run.
    """
    schema = tables(path)
    with reading(path) as connection:
        key, names = _key(connection), _names(connection)
        if not names:
            raise BadRuns(f"{path} holds a project of trackio without a run")
        configs: dict[Any, str] = {}
        if "configs" in schema:
            field = key if key in schema["configs"] else "run_name"
            configs = dict(connection.execute(f"SELECT {field}, config FROM configs"))
        for run, name in names.items():
            rows = connection.execute(
                f"SELECT step, timestamp, metrics FROM metrics WHERE {key} = ? ORDER BY id", (run,)
            )
            history, start, broken = _history(rows, wanted)
            notes = []
            if broken:
                text = f"{path}: {broken:,} records of {name} cannot be read and are left out"
                notes.append(Note("doubt", "damaged", text))
            config = _document(configs.get(run) or configs.get(name) or "{}") or {}
            settings = {k: v for k, v in flat(config).items() if not k.startswith("_")}
            yield Log(
                run=str(name),
                recipe="",
                origin=str(path),
                history=history.history(),
                settings=settings,
                state="",
                key=str(run),
                program="trackio",
                start=start,
                notes=tuple(notes),
            )


def _follow(path: Path, run: str) -> Follower:
    """Return a run of a project."""
    return RowFollower(path, run, _names, _new, _record)


def _key(connection: sqlite3.Connection) -> str:
    """Return the column by which runs are told apart: before version 0.26 their names alone."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(metrics)")}
    return "run_id" if "run_id" in columns else "run_name"


def _names(connection: sqlite3.Connection) -> dict[str, str]:
    key = _key(connection)
    query = f"SELECT {key}, max(run_name) FROM metrics GROUP BY {key} ORDER BY min(id)"
    return {str(run): str(name) for run, name in connection.execute(query)}


def _new(connection: sqlite3.Connection, key: str, last: int) -> Iterable[tuple[Any, ...]]:
    where = f"{_key(connection)} = ? AND id > ?"
    return connection.execute(
        f"SELECT id, step, metrics FROM metrics WHERE {where} ORDER BY id", (key, last)
    )


def _record(row: tuple[Any, ...]) -> Record | None:
    step, metrics = row
    record = _document(metrics)
    return None if record is None else {"step": float(step), **flat(record)}


def _history(rows: Any, wanted: Wanted) -> tuple[HistoryWriter, float, int]:
    """Return what a run logged, when it began [s], and how many records cannot be read."""
    writer, start, broken = HistoryWriter(wanted), 0.0, 0
    for step, timestamp, metrics in rows:
        record = _document(metrics)
        if record is None:
            broken += 1
            continue
        start = start or _seconds(timestamp)
        writer.add(len(writer) + 1, {"step": float(step), **flat(record)}.items())
    return writer, start, broken


def _document(text: str) -> dict[str, Any] | None:
    try:
        value = parse_json(text)
    except BadJSON:
        return None
    return value if isinstance(value, dict) else None


def _seconds(timestamp: object) -> float:
    try:
        return datetime.fromisoformat(str(timestamp)).timestamp()
    except ValueError:
        return 0.0


def _score(sample: FileHead) -> float:
    return (
        1000.0
        if is_database(sample) and tables(sample.path).get("metrics", set()) >= _COLUMNS
        else 0.0
    )


def _read_project(address: str, wanted: Wanted, watch: Watch) -> Iterator[Log]:
    """Yield the runs of a project of this machine.

    Raises BadRuns for one that is not there.
    """
    folder = Path(os.environ.get("TRACKIO_DIR") or HOME).expanduser()
    path = folder / f"{address}.db"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in folder.glob("*.db"))[:20]) or "no project"
        raise BadRuns(f"trackio has no project {address!r} in {folder}; there is {there}")
    yield from _read(path, wanted)
    watch(1, 1)


register(FileFormat("trackio", "store", _score, _read, follow=_follow))
register(AddressFormat("trackio", "trackio:PROJECT", _read_project))
