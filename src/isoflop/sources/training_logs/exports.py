"""CSV: logs of a run, charts of several exported from W&B or trackio, and W&B's table of runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns, Note
from isoflop.files import read_text
from isoflop.sources.cells import CellTable, numbers, texts
from isoflop.sources.column_names import meaning_of
from isoflop.sources.log_formats import FileFormat, FileHead, register
from isoflop.sources.separated import read_separated
from isoflop.sources.training_logs.console import ConsoleRow, Part, logs_of
from isoflop.sources.training_logs.log import HistoryWriter, Log, Wanted

_PANEL = re.compile(r"(?P<run>.+) - (?P<field>[^ ].*)")  # a column of an exported chart
_OF_A_CHART = ("__MIN", "__MAX")
_STEPS = ("step", "steps", "iter", "iteration", "_step", "global_step", "trainer/global_step")
_DELIMITERS = (",", "\t", ";")
# Of a table of runs: its first column, and what else stands in no other table.
# What a quantity, counted so, is called where it is a plain number.
_COUNTS: Mapping[tuple[str, str | None], str] = {
    ("N", None): "n_params",
    ("N", "total"): "total_params",
    ("N", "non-embedding"): "non_embedding_params",
    ("D", None): "tokens",
    ("C", None): "total_flops",
}
_NAME, _STATES = "Name", ("State", "Created", "Runtime", "ID", "User", "Tags")


def _header(sample: FileHead) -> list[str]:
    """Return the names of the columns of a sample, [] where it is no table."""
    first = next((x for x in sample.lines if x.strip() and not x.startswith("#")), "")
    delimiter = max(_DELIMITERS, key=first.count)
    if not first.count(delimiter):
        return []
    return [name.strip().strip('"') for name in first.split(delimiter)]


def _score(sample: FileHead) -> float:
    """Return a mark where the header of a sample is that of a log; JSON has its own readers."""
    if sample.text.lstrip()[:1] in ("{", "["):
        return 0.0
    header = _header(sample)
    lower = {name.lower() for name in header}
    panels = any(_PANEL.fullmatch(name) for name in header)
    return 2.0 if panels or lower & set(_STEPS) or _is_table(header) else 0.0


def _is_table(header: Sequence[str]) -> bool:
    return bool(header) and header[0] == _NAME and any(s in header for s in _STATES)


def _read(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of a table: of charts, of a log, or one a row."""
    suffix = ".tsv" if path.suffix.lower() == ".tsv" else ".csv"
    table = read_separated(read_text(path, errors="replace"), path.name, suffix)
    if _is_table(list(table.columns)):
        yield from _table(path, table)
        return
    yield from logs_of(path, _rows(table), wanted, "CSV")


def _cells(table: CellTable) -> dict[str, Sequence[Any]]:
    cells: dict[str, Sequence[Any]] = {}
    for name, column in table.columns.items():
        values, other = numbers(column)
        cells[name] = texts(column) if other.any() else values.tolist()
    return cells


def _rows(table: CellTable) -> Iterator[Part]:
    """Yield the rows of a table; columns "RUN - FIELD" of a chart become rows of each run."""
    cells = _cells(table)
    charts = {name: m for name in cells if (m := _PANEL.fullmatch(name))}
    plain = {name: v for name, v in cells.items() if name not in charts}
    series = {name: m for name, m in charts.items() if not name.endswith(_OF_A_CHART)}
    runs: list[str] = list(dict.fromkeys(m["run"] for m in series.values())) or [""]
    for run in runs:
        record = {**plain, **{m["field"]: cells[n] for n, m in series.items() if m["run"] == run}}
        for i, number in enumerate(table.rows.tolist()):
            row = {k: v[i] for k, v in record.items() if v[i] != "" and v[i] == v[i]}
            name, recipe = (_text(row.pop(k, "")) for k in ("run", "family"))
            yield ConsoleRow(number, row, run or name, recipe)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _table(path: Path, table: CellTable) -> Iterator[Log]:
    """Yield a run for each row of a table of runs: its config and summary, and its state."""
    cells, notes = _counted(_cells(table))
    if not any(n not in (_NAME, *_STATES) for n in cells):
        raise BadRuns(f"{path} names runs and nothing of them; show more columns, and export again")
    for i, number in enumerate(table.rows.tolist()):
        row: Mapping[str, Any] = {k: v[i] for k, v in cells.items() if v[i] != "" and v[i] == v[i]}
        writer = HistoryWriter()
        writer.add(number, row.items())
        yield Log(
            run=str(row.get(_NAME, f"row {number}")),
            recipe="",
            origin=str(path),
            history=writer.history(),
            settings=row,
            state=str(row.get("State", "")).lower(),
            key=str(row.get("ID", "")),
            program="W&B, table of runs",
            notes=notes,
        )


def _counted(
    cells: Mapping[str, Sequence[Any]],
) -> tuple[dict[str, Sequence[Any]], tuple[Note, ...]]:
    """Return columns, and sizes that a name states in a unit or in other words as plain counts."""
    counts: dict[str, Sequence[Any]] = dict(cells)
    notes = []
    for name, values in cells.items():
        meaning = meaning_of(name)
        if meaning is None or not meaning.exact:
            continue
        plain = _COUNTS.get((meaning.symbol, meaning.convention))
        if plain is None or plain in counts:
            continue
        factor = 1.0 if meaning.unit is None else meaning.unit.factor
        if factor != 1 and any(isinstance(v, str) for v in values):
            continue  # cells with units of their own
        counts[plain] = [v if factor == 1 else v * factor for v in values]
        if factor != 1:
            text = f"{meaning.symbol} is {name} times {factor:g}"
            notes.append(Note("info", "unit", text))
    return counts, tuple(notes)


register(FileFormat("CSV", "text", _score, _read))
