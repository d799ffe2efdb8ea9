"""Rows that are only ever added, each once: a journal for the newest, Parquet for the rest.

    00000007.jsonl      the open chunk: a line a row, added whole or cut off again
    00000007.parquet    the same chunk closed; from then on its journal counts no more
    rows.lock           who writes

A row has a key, and a key is written once. A writer that dies at any moment leaves what it was
told is written, and at most the beginning of one line, which is cut off.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import BadStudy, EnvironmentFailure, UsageError
from isoflop.files import parse_json, sync_folder, writing
from isoflop.store.chunks import (
    Choice,
    Schema,
    chosen,
    column_names,
    count_rows,
    read_chunk,
    table_of,
    values_of,
)
from isoflop.store.chunks import close as _close
from isoflop.store.keys import Keys
from isoflop.store.lock import Lock

if TYPE_CHECKING:
    import pyarrow as pa

ALL = Choice({}, {})  # rows
OPEN_ROWS = 20_000  # of a journal before it is closed
CHUNK_ROWS = 1_000_000  # of a chunk: what a reader holds at a time


@dataclass(frozen=True)
class Rows:
    """A folder of rows. Anybody reads; one process writes."""

    folder: Path
    schema: Schema

    def tables(
        self,
        columns: Sequence[str],
        where: Mapping[str, str],
        between: Mapping[str, tuple[str, str]] | None = None,
        coded: Sequence[str] = (),
    ) -> Iterator[pa.Table]:
        """Yield the rows that have the texts of `where`, a chunk at a time, with these columns.

        `between` says the first and the last text that a column may have. Texts that are `coded`
        come as dictionaries, which takes less memory. A column that a chunk lacks is null there.
        Raises BadStudy for a damaged file.
        """
        choice = Choice(where, between or {})
        # The journal first: if it is closed meanwhile, its chunk is among those listed after.
        journals = {p.stem: _journal(p, self.schema)[0] for p in self.journals()}
        closed = self.chunks()
        for path in closed:
            table = read_chunk(path, {*columns, *choice.columns}, choice, coded)
            yield chosen(table, columns, choice, self.schema)
        for stem, rows in journals.items():
            if rows and stem not in {p.stem for p in closed}:
                yield chosen(table_of(_as_columns(rows), self.schema), columns, choice, self.schema)

    def texts(self, names: tuple[str, ...]) -> set[tuple[str, ...]]:
        """Return the texts that columns of the key have together in any row."""
        closed, values, mixed = {}, set(), set()
        journals = {p.stem: _journal(p, self.schema)[0] for p in self.journals()}
        for path in self.chunks():
            closed[path.stem] = values_of(path, names)
            if (texts := closed[path.stem]) is not None:
                values.add(texts)
            else:
                mixed.add(path)
        for path in mixed:
            table = chosen(read_chunk(path, set(names), ALL), names, ALL, self.schema)
            pairs = table.group_by(list(names)).aggregate([]).to_pylist()
            values |= {tuple(pair[name] for name in names) for pair in pairs}
        for stem, rows in journals.items():
            if stem not in closed:
                values |= {tuple(row[name] for name in names) for row in rows}
        return values

    def chunks(self) -> list[Path]:
        """Return the closed chunks, oldest first."""
        return sorted(self.folder.glob("[0-9]*.parquet"))

    def journals(self) -> list[Path]:
        """Return the journal that is open, if there is one; a closed one may linger."""
        return sorted(self.folder.glob("[0-9]*.jsonl"))

    def size(self) -> int:
        """Return how many rows there are.

        Raises BadStudy for a damaged file.
        """
        journals = {p.stem: len(_journal(p, self.schema)[0]) for p in self.journals()}
        closed = {p.stem: count_rows(p) for p in self.chunks()}
        return sum({**journals, **closed}.values())

    def names(self) -> set[str]:
        """Return the columns that any row has."""
        names = {name for path in self.chunks() for name in column_names(path)}
        for path in self.journals():
            names |= {name for row in _journal(path, self.schema)[0] for name in row}
        return names

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """Hold the rows as their only writer.

        Raises EnvironmentFailure, which names the process that holds them.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with Lock(self.folder / "rows.lock").exclusive():
            writer = Writer(self)
            try:
                yield writer
            finally:
                writer.release()


@dataclass
class Writer:
    """Adds rows whose key is new. What `add` returned from is safe from a kill or a power cut."""

    rows: Rows
    keys: Keys = field(init=False)
    at: Path = field(init=False)
    handle: int = field(init=False)
    end: int = field(init=False)  # bytes of the journal that are whole lines
    count: int = field(init=False)  # rows in it

    def __post_init__(self) -> None:
        """Take up where the last writer stopped: cut off half a line, drop a closed journal."""
        self.known = Keys(self.rows.schema.key)
        key = self.rows.schema.key
        for table in self.rows.tables(key, {}, coded=key[:-1]):
            self.known.add(table)
        closed = {p.stem for p in self.rows.chunks()}
        for path in self.rows.journals():
            if path.stem in closed:
                path.unlink()
        number = int(max(closed, default="0")) + 1
        self._begin(self.rows.folder / f"{number:08d}.jsonl")

    def has(self, *key: Any) -> bool:
        """Return whether a row of that key is written."""
        return self.known.has(key)

    def add(self, columns: Mapping[str, Any]) -> int:
        """Write rows given by columns of equal length; return how many were new.

        Raises UsageError for a column that is none, EnvironmentFailure for a full disk: then
        none or all of a chunk is written, and the same call may be made again.
        """
        lengths = {len(v) for v in columns.values()}
        if len(lengths) != 1 or not set(self.rows.schema.key) <= set(columns):
            raise UsageError(
                f"rows need {', '.join(self.rows.schema.key)} and columns of one length; "
                f"got {', '.join(columns)} of lengths {sorted(lengths)}"
            )
        table = table_of(columns, self.rows.schema)
        new = self.known.new(table)
        table = table if new.size == len(table) else table.take(new)
        for at in range(0, new.size, CHUNK_ROWS):
            self._write(table.slice(at, CHUNK_ROWS))
        return int(new.size)

    def close_chunk(self) -> None:
        """Turn the open journal into a closed chunk, which reads much faster."""
        if not self.count:
            return
        rows = _journal(self.at, self.rows.schema)[0]
        _close(self.at.with_suffix(".parquet"), table_of(_as_columns(rows), self.rows.schema))
        self._next()

    def release(self) -> None:
        """Let go of the journal."""
        os.close(self.handle)
        if not self.end:
            with contextlib.suppress(OSError):
                self.at.unlink()

    def _write(self, table: pa.Table) -> None:
        count = len(table)
        if count >= OPEN_ROWS:
            self.close_chunk()
            _close(self.at.with_suffix(".parquet"), table)
            self.known.add(table)
            self._next()
            return
        names = table.column_names
        lines = "".join(
            json.dumps({n: _plain(v) for n, v in zip(names, row, strict=True)}) + "\n"
            for row in zip(*(table[n].to_pylist() for n in names), strict=True)
        )
        self._append(lines.encode())
        self.known.add(table)
        self.count += count
        if self.count >= OPEN_ROWS:
            with contextlib.suppress(EnvironmentFailure):  # the rows are safe where they are
                self.close_chunk()

    def _append(self, data: bytes) -> None:
        """Add whole lines, or nothing."""
        with writing(self.at):
            try:
                done = 0
                while done < len(data):
                    done += os.write(self.handle, data[done:])
                os.fsync(self.handle)
            except BaseException:
                os.ftruncate(self.handle, self.end)
                os.lseek(self.handle, self.end, os.SEEK_SET)
                raise
        self.end += len(data)

    def _begin(self, path: Path) -> None:
        self.at = path
        with writing(path):
            self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            rows, self.end = _journal(path, self.rows.schema)
            self.count = len(rows)
            os.ftruncate(self.handle, self.end)
            os.lseek(self.handle, self.end, os.SEEK_SET)
            sync_folder(path.parent)

    def _next(self) -> None:
        os.close(self.handle)
        self.at.unlink(missing_ok=True)
        self._begin(self.rows.folder / f"{int(self.at.stem) + 1:08d}.jsonl")


def _journal(path: Path, schema: Schema) -> tuple[list[dict[str, Any]], int]:
    """Return the whole rows of a journal, and the bytes that they take; half a line is none.

    Raises BadStudy for a whole line that is no row.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:  # closed a moment ago
        return [], 0
    end = data.rfind(b"\n") + 1
    rows = []
    for number, line in enumerate(data[:end].splitlines(), 1):
        try:
            row = parse_json(line)
            whole = isinstance(row, dict) and set(schema.key) <= set(row)
        except ValueError:
            whole = False
        if not whole:
            raise BadStudy(f"{path}, line {number} is no row; restore it, or delete that line")
        rows.append(row)
    return rows, end


def _as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _plain(value: Any) -> Any:
    """Return a cell as JSON holds it: a number that is none is null."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
