"""Files of runs: which format they are in, and what is refused before it is parsed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.errors import BadRuns, suggest
from isoflop.sources.cells import Cells, Source, plain_text, source
from isoflop.sources.separated import read_separated, stated_conventions


def read_file(path: Path) -> Source:
    """Return the table of a .csv, .tsv, .parquet, .jsonl, .ndjson or .json file.

    Raises BadRuns for a file that is not there, cannot be read, or is not what its name says.
    """
    reader = _READERS.get(path.suffix.lower())
    data = _content(path)
    if reader is None:
        raise BadRuns(
            f"cannot tell the format of {path.name!r} from its extension; it may be "
            f"{', '.join(_READERS)}"
        )
    if not data.strip():
        raise BadRuns(f"{path.name} is empty")
    if data.startswith(b"PAR1") and path.suffix.lower() != ".parquet":
        raise BadRuns(f"{path.name} is a Parquet file; rename it to {path.stem}.parquet")
    return reader(data, path.name)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadRuns(f"there is no file {str(path)!r}; {_neighbours(path)}") from None
    except OSError as error:
        raise BadRuns(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise BadRuns(f"{str(path)!r} is not the name of a file: {error}") from None


def _neighbours(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r} either"
    names = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() in _READERS)
    return suggest(path.name, names) if names else "nor any other file of runs beside it"


def _decoded(data: bytes, origin: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadRuns(f"{origin} is UTF-16; save it as UTF-8")
    if (at := data.find(b"\0")) >= 0:
        raise BadRuns(f"{origin} is not text: byte {at} is zero; runs are CSV, JSON or Parquet")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise BadRuns(
            f"{origin} is not UTF-8: byte {data[error.start]:#x} in row {row} "
            "(Latin-1 or Windows-1252, perhaps); save it as UTF-8"
        ) from None


def _csv(data: bytes, origin: str) -> Source:
    return read_separated(_decoded(data, origin), origin, ".csv")


def _tsv(data: bytes, origin: str) -> Source:
    return read_separated(_decoded(data, origin), origin, ".tsv")


def _parquet(data: bytes, origin: str) -> Source:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(data))
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadRuns(f"{origin} cannot be read as Parquet: {str(error)[:200]}") from None
    try:
        stated = json.loads((table.schema.metadata or {}).get(b"isoflop", b"{}"))
    except (ValueError, RecursionError):
        stated = "not JSON"
    return from_arrow(table, origin, stated_conventions(stated, origin, 1))


def from_arrow(table: Any, origin: str, conventions: Mapping[str, str]) -> Source:
    """Return a table of pyarrow as a source."""
    names: list[str] = table.column_names
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise BadRuns(f"{origin}: two columns are called {doubled[0]!r}; rename or remove one")
    columns = dict(zip(names, table.columns, strict=True))
    return source(origin, columns, conventions=conventions)


def _json_lines(data: bytes, origin: str) -> Source:
    """Read one object per line, all lines in one call unless one of them is at fault."""
    lines = [line.strip() for line in _decoded(data, origin).split("\n")]
    numbered = [number for number, line in enumerate(lines, 1) if line]
    lines = [line for line in lines if line]
    try:
        records = json.loads(f"[{','.join(lines)}]")
    except (ValueError, RecursionError):
        records = []
    if len(records) != len(lines):
        records = [_record(line, n, origin) for n, line in zip(numbered, lines, strict=True)]
    conventions: dict[str, str] = {}
    if isinstance(records[0], dict) and records[0].keys() == {"isoflop"}:
        conventions = stated_conventions(records.pop(0)["isoflop"], origin, numbered.pop(0))
    columns = _by_column(records, numbered, origin)
    return source(origin, columns, rows=np.array(numbered), conventions=conventions)


def _record(line: str, row: int, origin: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "it is too large"
        raise BadRuns(f"{origin}: row {row} is not JSON ({why}): {line[:60]}") from None


def _json(data: bytes, origin: str) -> Source:
    """Read a list of objects, an object of lists, or JSON lines that go by the name of .json."""
    text = _decoded(data, origin)
    try:
        records = json.loads(text)
    except (ValueError, RecursionError):
        return _json_lines(data, origin)
    if isinstance(records, dict) and all(isinstance(v, list) for v in records.values()):
        return source(origin, {plain_text(name): cells for name, cells in records.items()})
    if isinstance(records, dict):
        records = [records]
    if not isinstance(records, list):
        raise BadRuns(
            f"{origin} holds {text.strip()[:40]}; a list of objects, one a run, is needed"
        )
    return source(origin, _by_column(records, list(range(2, len(records) + 2)), origin))


def _by_column(records: list[Any], rows: list[int], origin: str) -> dict[str, Cells]:
    kinds = list(map(type, records))
    if set(kinds) - {dict}:
        first = next(i for i, kind in enumerate(kinds) if kind is not dict)
        raise BadRuns(
            f"{origin}: row {rows[first]} holds {str(records[first])[:40]!r}; an object such as "
            '{"N": 70e9, "D": 1.4e12, "L": 1.9} is needed'
        )
    names = dict.fromkeys(itertools.chain.from_iterable(records))
    return {plain_text(name): [record.get(name) for record in records] for name in names}


_READERS: Mapping[str, Callable[[bytes, str], Source]] = {
    ".csv": _csv, ".tsv": _tsv, ".parquet": _parquet, ".jsonl": _json_lines,
    ".ndjson": _json_lines, ".json": _json,
}  # fmt: skip
