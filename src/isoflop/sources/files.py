"""Files of runs: which format they are in, and what is refused before it is parsed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.errors import BadRuns, suggest
from isoflop.files import BadJSON, parse_json, read_content
from isoflop.files.packed import expanded, parquet_table
from isoflop.files.strict_json import refuse_many
from isoflop.runs import SYMBOLS
from isoflop.sources.cells import Cells, CellTable, plain_text, source
from isoflop.sources.column_names import meaning_of
from isoflop.sources.excel import SHEET, read_workbook
from isoflop.sources.separated import WIDEST, read_separated, refuse_doubled, stated_conventions


def read_file(path: Path) -> CellTable:
    """Return the table of a text table, JSON, Parquet or Excel file, or of a packed one.

    A packed one has .gz or .zst after its own extension, as in runs.csv.gz; `book.xlsx#NAME` is
    a sheet of a workbook.

    Raises BadRuns for a file that is not there, cannot be read, or is not what its name says.
    """
    path, sheet = _sheet(path)
    extension, packing = _extension(path)
    reader = _READERS.get(extension)
    data = _content(path)
    if reader is None:
        raise BadRuns(_unknown(path, extension))
    if extension in EXCEL and not packing and data:
        return read_workbook(data, path.name, sheet)
    if packing and data:
        data = expanded(data, path.name, packing)
    if not data.strip():
        raise BadRuns(f"{path.name} is empty")
    if data.startswith(b"PAR1") and extension != ".parquet":
        raise BadRuns(f"{path.name} is a Parquet file; rename it to {path.stem}.parquet")
    return reader(data, path.name)


def _sheet(path: Path) -> tuple[Path, str]:
    """Return a path, and the sheet that is named after it, or ""."""
    name, mark, sheet = path.name.rpartition(SHEET)
    if not mark or path.exists() or Path(name).suffix.lower() not in EXCEL:
        return path, ""
    return path.with_name(name), sheet


def _unknown(path: Path, extension: str) -> str:
    """Return what to do about a file of another format."""
    if extension in _OTHER_SHEETS:
        return f"{path.name!r} is {_OTHER_SHEETS[extension]}; save it as .xlsx or .csv"
    return (
        f"cannot tell the format of {path.name!r} from its extension; it may be "
        f"{', '.join(_READERS)}, each also packed, as in runs.csv.gz or runs.csv.zst"
    )


def _extension(path: Path) -> tuple[str, str]:
    """Return the extension that tells the format of a file, and how the file is packed, or ""."""
    packing = _PACKINGS.get(path.suffix.lower(), "")
    return (Path(path.stem) if packing else path).suffix.lower(), packing


def _content(path: Path) -> bytes:
    try:
        return read_content(path)
    except BadRuns as failure:
        if isinstance(failure.__context__, FileNotFoundError):
            raise BadRuns(f"{failure}; {_neighbours(path)}") from None
        raise


def is_table(path: Path) -> bool:
    """Return whether a file has the extension of a table, packed or not."""
    return _extension(path)[0] in _READERS


def _neighbours(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r} either"
    names = sorted(p.name for p in path.parent.iterdir() if is_table(p))
    return suggest(path.name, names) if names else "nor any other file of runs beside it"


def _decoded(data: bytes, origin: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # as Excel writes "Unicode text"
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise BadRuns(
                f"{origin} is UTF-16 and damaged ({error.reason}); save it as UTF-8"
            ) from None
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


def _csv(data: bytes, origin: str) -> CellTable:
    return read_separated(_decoded(data, origin), origin, ".csv")


def _tsv(data: bytes, origin: str) -> CellTable:
    return read_separated(_decoded(data, origin), origin, ".tsv")


def _parquet(data: bytes, origin: str) -> CellTable:
    table = parquet_table(data, origin)
    try:
        stated = parse_json((table.schema.metadata or {}).get(b"isoflop", b"{}"))
    except ValueError as error:
        raise BadRuns(f"{origin} states conventions that cannot be read: {error}") from None
    return from_arrow(table, origin, stated_conventions(stated, origin, 1))


def from_arrow(table: Any, origin: str, conventions: Mapping[str, str]) -> CellTable:
    """Return a table of pyarrow as a source."""
    names: list[str] = table.column_names
    refuse_doubled(names, origin)
    columns = dict(zip(names, table.columns, strict=True))
    return source(origin, columns, conventions=conventions)


def _json_lines(data: bytes, origin: str) -> CellTable:
    """Read one object per line, all lines in one call unless one of them is at fault."""
    text = _decoded(data, origin)
    try:
        refuse_many(text)
    except BadJSON as error:
        raise BadRuns(f"{origin} cannot be read: {error}") from None
    lines = [line.strip() for line in text.split("\n")]
    numbered = [number for number, line in enumerate(lines, 1) if line]
    lines = [line for line in lines if line]
    try:
        records = parse_json(f"[{','.join(lines)}]")
    except BadJSON:
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
        return parse_json(line)
    except BadJSON as error:
        raise BadRuns(f"{origin}: row {row} is not JSON ({error}): {line[:60]}") from None


def _json(data: bytes, origin: str) -> CellTable:
    """Read a list of objects, an object of lists, or JSON lines that go by the name of .json."""
    text = _decoded(data, origin)
    try:
        records = parse_json(text)
    except BadJSON as error:
        if not _is_json(text.lstrip().partition("\n")[0]):
            raise BadRuns(f"{origin} is not JSON: {error}") from None
        return _json_lines(data, origin)
    records = _unwrapped(records)
    if isinstance(records, dict) and all(isinstance(v, list) for v in records.values()):
        return source(origin, {plain_text(name): cells for name, cells in records.items()})
    if isinstance(records, dict):
        records = [records]
    if not isinstance(records, list):
        raise BadRuns(
            f"{origin} holds {text.strip()[:40]}; a list of objects, one a run, is needed"
        )
    return source(origin, _by_column(records, list(range(2, len(records) + 2)), origin))


def _unwrapped(records: Any) -> Any:
    """Return a list of objects, or columns, from the other shapes in which tables are written.

    An object of objects, by column as pandas writes it or by run, and a list under one key.
    """
    if not isinstance(records, dict) or not records:
        return records
    inner = list(records.values())
    tables = [v for v in inner if isinstance(v, list) and v and all(type(x) is dict for x in v)]
    if len(tables) == 1 and not any(
        isinstance(v, list | dict) for v in inner if v is not tables[0]
    ):
        return tables[0]
    if not all(type(v) is dict and v for v in inner) or len({tuple(v) for v in inner}) != 1:
        return records
    outside, known_inside = (sum(meaning_of(str(n)) is not None or n in SYMBOLS for n in names)
                           for names in (records, inner[0]))  # fmt: skip
    if outside == known_inside:
        return records
    if outside > known_inside:
        return {name: list(v.values()) for name, v in records.items()}
    return [{"run": name, **v} for name, v in records.items()]


def _is_json(line: str) -> bool:
    try:
        parse_json(line)
    except BadJSON:
        return False
    return True


def _by_column(records: list[Any], rows: list[int], origin: str) -> dict[str, Cells]:
    kinds = list(map(type, records))
    if set(kinds) - {dict}:
        first = next(i for i, kind in enumerate(kinds) if kind is not dict)
        raise BadRuns(
            f"{origin}: row {rows[first]} holds {str(records[first])[:40]!r}; an object such as "
            '{"N": 70e9, "D": 1.4e12, "L": 1.9} is needed'
        )
    if any(type(cell) is dict for record in records for cell in record.values()):
        records = [_flat(record, row, origin) for record, row in zip(records, rows, strict=True)]
    names = dict.fromkeys(itertools.chain.from_iterable(records))
    return {plain_text(name): [record.get(name) for record in records] for name in names}


def _flat(record: Mapping[str, Any], row: int, origin: str) -> dict[str, Any]:
    """Return an object whose inner objects are told by dotted names, such as config.n_params."""
    flat: dict[str, Any] = {}
    level = list(record.items())
    while level:
        name, cell = level.pop(0)
        if type(cell) is dict:
            level[:0] = [(f"{name}.{inner}", part) for inner, part in cell.items()]
        elif name in flat:
            raise BadRuns(f"{origin}: row {row} has two values that are called {name!r}; keep one")
        else:
            flat[name] = cell
        if len(flat) > WIDEST:
            raise BadRuns(f"{origin}: row {row} holds more than {WIDEST:,} values")
    return flat


EXCEL = (".xlsx", ".xlsm")
_OTHER_SHEETS = {
    ".xls": "a workbook of Excel before 2007",
    ".xlsb": "a binary workbook",
    ".ods": "a workbook of OpenDocument",
    ".numbers": "a workbook of Numbers",
}
_PACKINGS: Mapping[str, str] = {".gz": "gzip", ".zst": "zstd"}
_READERS: Mapping[str, Callable[[bytes, str], CellTable]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".txt": _csv,
    ".dat": _csv,
    ".md": _csv,
    **dict.fromkeys(EXCEL, read_workbook),
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
}
