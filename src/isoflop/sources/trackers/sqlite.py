"""Databases of trackers, opened so that nothing is written and nobody is kept waiting."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from isoflop.errors import BadRuns
from isoflop.files import refuse_strange
from isoflop.sources.log_formats import FileHead

MAGIC = b"SQLite format 3\0"


def is_database(sample: FileHead) -> bool:
    """Say whether a file is a database of SQLite."""
    return sample.head[:16] == MAGIC


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading alone.

    A database that a tracker is writing to is read as it was when it was opened.
    Raises BadRuns for one that is cut or damaged, or is no database.
    """
    refuse_strange(path)
    connection = None
    try:
        connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        yield connection
    except sqlite3.Error as reason:
        raise BadRuns(
            f"{path} cannot be read as a database of SQLite ({reason}); it may be cut: copy it "
            "again, with the files -wal and -shm beside it"
        ) from None
    finally:
        if connection is not None:
            connection.close()


def tables(path: Path) -> dict[str, set[str]]:
    """Return the tables of a database and their columns; {} for what cannot be read."""
    try:
        with reading(path) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {str(n): _columns(connection, str(n)) for (n,) in names.fetchall()}
    except BadRuns:
        return {}


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    rows: list[Any] = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    return {str(row[1]) for row in rows}
