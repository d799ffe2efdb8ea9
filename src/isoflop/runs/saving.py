"""Runs written as CSV, TSV, JSON lines or Parquet, their conventions inside the file."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import BadRuns, UsageError, suggest
from isoflop.files import write_atomically
from isoflop.runs.spreadsheet import quoted

if TYPE_CHECKING:
    from isoflop.arrays import Numbers

MARK = "isoflop"  # under which a file says its conventions


def save(
    columns: Mapping[str, Numbers],
    labels: Mapping[str, Any],
    conventions: Mapping[str, str],
    path: str | os.PathLike[str],
) -> None:
    """Write a table; the file appears whole or not at all.

    Raises UsageError for an extension that is not known, EnvironmentFailure if the disk fails.
    """
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise UsageError(f"cannot tell the format of {path}; {suggest(path.suffix, _WRITERS)}")
    import pyarrow as pa

    # A missing number is an empty cell: NaN is not JSON, and reads as text elsewhere.
    cells = {s: pa.array(v, mask=np.isnan(v)) for s, v in columns.items()}
    try:
        cells |= {name: pa.array(v.tolist(), pa.string()) for name, v in labels.items()}
        content = write(pa.table(cells), dict(conventions))
    except UnicodeEncodeError as error:
        raise BadRuns(f"label {error.object!r} holds a character that is not text") from None
    write_atomically(path, lambda file: file.write(content))


def _separated(delimiter: str) -> Callable[[Any, dict[str, str]], bytes]:
    def write(table: Any, conventions: dict[str, str]) -> bytes:
        from pyarrow import csv

        buffer = io.BytesIO()
        if conventions:
            buffer.write(f"# {MARK}: {json.dumps(conventions)}\n".encode())
        csv.write_csv(_as_text(table), buffer, csv.WriteOptions(delimiter=delimiter))
        return buffer.getvalue()

    return write


def _as_text(table: Any) -> Any:
    """Return a table whose names and texts no spreadsheet runs."""
    import pyarrow as pa

    def column(cells: Any) -> Any:
        if not pa.types.is_string(cells.type):
            return cells
        return pa.array([c if c is None else quoted(c) for c in cells.to_pylist()], pa.string())

    names = list(map(quoted, table.column_names))
    return pa.table([column(cells) for cells in table.columns], names=names)


def _json_lines(table: Any, conventions: dict[str, str]) -> bytes:
    lines = [json.dumps({MARK: conventions})] if conventions else []
    lines += [json.dumps(row) for row in table.to_pylist()]
    return "".join(f"{line}\n" for line in lines).encode()


def _parquet(table: Any, conventions: dict[str, str]) -> bytes:
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(
        table.replace_schema_metadata({MARK: json.dumps(conventions)}),
        buffer,
        write_page_checksum=True,
    )
    return buffer.getvalue()


_WRITERS: Mapping[str, Callable[[Any, dict[str, str]], bytes]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
