"""Databases of trackers, opened so that nothing is written and nobody is kept waiting."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from isoflop.errors import BadRuns
from isoflop.files import refuse_strange
from isoflop.sources.log_formats import FileHead, one_run
from isoflop.sources.training_logs.log import Record

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


class RowFollower:
    """The rows that a tracker added to a database since the last look, in the order of writing.

    `names` returns the runs by key, `rows` those of a run (key) beyond the number of a row, each
    with its number first; `record` makes a record of a row.
    """

    def __init__(
        self,
        path: Path,
        run: str,
        names: Callable[[sqlite3.Connection], Mapping[str, str]],
        rows: Callable[[sqlite3.Connection, str, int], Iterable[tuple[Any, ...]]],
        record: Callable[[tuple[Any, ...]], Record | None],
    ) -> None:
        self.path, self.run, self.began_anew = path, run, False
        self._names, self._rows, self._record = names, rows, record
        self._last, self._key, self._file = 0, "", (0, 0)

    def records(self) -> Iterator[Record]:
        """Yield the records since the last call."""
        with reading(self.path) as connection:
            status = self.path.stat()
            file = (status.st_dev, status.st_ino)
            self.began_anew = bool(self._key) and file != self._file
            if self.began_anew:
                self._last = 0
            self._file = file
            self._key = one_run(self._names(connection), self.run or self._key, self.path)
            for number, *row in self._rows(connection, self._key, self._last):
                self._last = number
                if (record := self._record(tuple(row))) is not None:
                    yield record


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
