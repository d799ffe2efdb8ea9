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
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from isoflop.errors import BadStudy, EnvironmentFailure, UsageError
from isoflop.files import parse_json, sync_folder, write_atomically, writing
from isoflop.files.packed import open_parquet
from isoflop.store.keys import Keys
from isoflop.store.lock import Lock

if TYPE_CHECKING:
    import pyarrow as pa

Kind: TypeAlias = Literal["text", "whole", "number", "truth"]

OPEN_ROWS = 20_000  # of a journal before it is closed
CHUNK_ROWS = 1_000_000  # of a chunk: what a reader holds at a time


@dataclass(frozen=True)
class Schema:
    """The columns of rows; `key` is of text columns and, last, one of whole numbers.

    Columns whose name begins with `free` are numbers, and any row may bring new ones.
    """

    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    free: str

    def kind(self, name: str) -> Kind:
        """Return the kind of a column.

        Raises UsageError for a name that is none.
        """
        if name.startswith(self.free):
            return "number"
        if name not in self.columns:
            raise UsageError(f"rows have no column {name!r}; they have {', '.join(self.columns)}")
        return self.columns[name]


@dataclass(frozen=True)
class Rows:
    """A folder of rows. Anybody reads; one process writes."""

    folder: Path
    schema: Schema

    def tables(self, columns: Sequence[str], where: Mapping[str, str]) -> Iterator[pa.Table]:
        """Yield the rows that have the texts of `where`, a chunk at a time, with these columns.

        A column that a chunk lacks is null there.
        Raises BadStudy for a damaged file.
        """
        # The journal first: if it is closed meanwhile, its chunk is among those listed after.
        opened = {p.stem: _journal(p, self.schema)[0] for p in self.journals()}
        closed = self.chunks()
        for path in closed:
            yield chosen(
                _read_chunk(path, {*columns, *where}, self.schema), columns, where, self.schema
            )
        for stem, rows in opened.items():
            if rows and stem not in {p.stem for p in closed}:
                yield chosen(table_of(_as_columns(rows), self.schema), columns, where, self.schema)

    def chunks(self) -> list[Path]:
        """Return the closed chunks, oldest first."""
        return sorted(self.folder.glob("[0-9]*.parquet"))

    def journals(self) -> list[Path]:
        """Return the journal that is open, if there is one; a closed one may linger."""
        return sorted(self.folder.glob("[0-9]*.jsonl"))

    def names(self) -> set[str]:
        """Return the columns that any row has."""
        found = {name for path in self.chunks() for name in _chunk_names(path)}
        for path in self.journals():
            found |= {name for row in _journal(path, self.schema)[0] for name in row}
        return found

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
    known: Keys = field(init=False)
    at: Path = field(init=False)
    handle: int = field(init=False)
    end: int = field(init=False)  # bytes of the journal that are whole lines
    count: int = field(init=False)  # rows in it

    def __post_init__(self) -> None:
        """Take up where the last writer stopped: cut off half a line, drop a closed journal."""
        self.known = Keys(self.rows.schema.key)
        for table in self.rows.tables(self.rows.schema.key, {}):
            self.known.add({k: table[k].to_pylist() for k in self.rows.schema.key})
        closed = {p.stem for p in self.rows.chunks()}
        for path in self.rows.journals():
            if path.stem in closed:
                path.unlink()
        number = int(max(closed, default="0")) + 1
        self._begin(self.rows.folder / f"{number:08d}.jsonl")

    def has(self, *key: Any) -> bool:
        """Return whether a row of that key is written."""
        return self.known.has(key)

    def add(self, columns: Mapping[str, Sequence[Any]]) -> int:
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
        new = self.known.new(columns)
        for at in range(0, new.size, CHUNK_ROWS):
            which = new[at : at + CHUNK_ROWS]
            part = {
                name: values[which]
                if isinstance(values, np.ndarray)
                else [values[i] for i in which]
                for name, values in columns.items()
            }
            self._write(part, which.size)
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

    def _write(self, part: Mapping[str, Sequence[Any]], count: int) -> None:
        table = table_of(part, self.rows.schema)
        if count >= OPEN_ROWS:
            self.close_chunk()
            _close(self.at.with_suffix(".parquet"), table)
            self.known.add(part)
            self._next()
            return
        names = table.column_names
        lines = "".join(
            json.dumps({n: _plain(v) for n, v in zip(names, row, strict=True)}) + "\n"
            for row in zip(*(table[n].to_pylist() for n in names), strict=True)
        )
        self._append(lines.encode())
        self.known.add(part)
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


def _taken(values: Sequence[Any], which: npt.NDArray[np.int64]) -> Sequence[Any]:
    if isinstance(values, np.ndarray):
        return cast(Sequence[Any], values[which])
    return [values[i] for i in which]


def table_of(columns: Mapping[str, Sequence[Any]], schema: Schema) -> pa.Table:
    """Return columns as a table of the kinds of the schema.

    Raises UsageError for a cell of another kind.
    """
    import pyarrow as pa

    arrays = {}
    for name, values in columns.items():
        try:
            arrays[name] = pa.array(values, _arrow(schema.kind(name)), from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise UsageError(f"column {name} takes {schema.kind(name)}: {error}") from None
    return pa.table(arrays)


def _arrow(kind: Kind) -> Any:
    import pyarrow as pa

    return {
        "text": pa.string(), "whole": pa.int64(), "number": pa.float64(), "truth": pa.bool_()
    }[kind]  # fmt: skip


def chosen(
    table: pa.Table, columns: Sequence[str], where: Mapping[str, str], schema: Schema
) -> pa.Table:
    """Return the rows that have the texts of `where`, with these columns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, text in where.items():
        table = table.filter(pc.equal(table[name], text))
    for name in columns:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), _arrow(schema.kind(name))))
    return table.select(list(columns))


def _read_chunk(path: Path, columns: set[str], schema: Schema) -> pa.Table:
    with open_parquet(path) as file:
        names = file.schema_arrow.names
        for name in names:
            schema.kind(name)
        table = file.read(columns=[n for n in names if n in {*columns, *schema.key}])
        table.validate(full=True)
        if any(k not in names or table[k].null_count for k in schema.key):
            raise ValueError("a row has no key")
        return table


def _chunk_names(path: Path) -> list[str]:
    with open_parquet(path) as file:
        return list(file.schema_arrow.names)


def _close(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    write_atomically(
        path,
        lambda f: pq.write_table(
            table,
            f,
            compression="zstd",
            write_page_checksum=True,
        ),
    )


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
