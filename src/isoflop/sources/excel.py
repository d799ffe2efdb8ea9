"""Excel workbooks (.xlsx, .xlsm), by openpyxl: the sheet that holds runs, cells as they are stored.

`book.xlsx#NAME` names a sheet. Numbers are numbers there, whatever mark of decimals is shown.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from isoflop.errors import BadRuns, MissingExtra, Note, brief
from isoflop.files.content import largest, too_large
from isoflop.sources.cells import CellTable, plain_text, source
from isoflop.sources.column_names import meaning_of
from isoflop.sources.layout import HEAD, TAIL, TableLayout, layout_of
from isoflop.sources.separated import UNNAMED, refuse_doubled

SHEET = "#"  # before the name of a sheet, after that of its file
Grid = Sequence[Sequence[Any]]


def read_workbook(data: bytes, origin: str, sheet: str = "") -> CellTable:
    """Return the table of a workbook: of the sheet that is named, else of the one that has runs.

    Raises BadRuns for what is no workbook, or has several sheets of runs and none is named;
    MissingExtra without openpyxl.
    """
    _refuse_large(data, origin)
    try:
        import openpyxl
    except ImportError:
        raise MissingExtra(f"reading {origin}", "excel") from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        grids = {s.title: _grid(s.iter_rows(values_only=True)) for s in book.worksheets}
    except Exception as reason:  # openpyxl raises what its parsers do
        why = f"{type(reason).__name__}: {str(reason)[:120]}"
        raise BadRuns(f"{origin} cannot be read as an Excel workbook ({why})") from None
    if sheet and sheet not in grids:
        listing = ", ".join(map(repr, grids))
        raise BadRuns(f"{origin} has no sheet {brief(sheet)}; its sheets are {listing}")
    grids = {name: grid for name, grid in grids.items() if grid}
    chosen = sheet or _sheet_of_runs(grids, origin)
    if chosen not in grids:
        raise BadRuns(f"{origin} holds no cell in sheet {brief(chosen)}")
    table = _table(grids[chosen], origin)
    others = ", ".join(repr(name) for name in grids if name != chosen)
    if not others or sheet:
        return table
    note = Note("info", "sheet", f"sheet {chosen!r} is read, and not {others}")
    return replace(table, notes=(note, *table.notes))


def _refuse_large(data: bytes, origin: str) -> None:
    """Refuse an archive that expands beyond the limit, by what it states of itself."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as reason:
        raise BadRuns(f"{origin} is no Excel workbook, or is damaged: {reason}") from None
    if size > largest():
        raise BadRuns(too_large(f"{origin} expands to", size))


def _grid(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Return the cells of a sheet, rows of one length, without empty rows at its end."""
    grid = [list(row) for row in rows]
    while grid and all(cell is None for cell in grid[-1]):
        grid.pop()
    width = max(map(len, grid), default=0)
    return [row + [None] * (width - len(row)) for row in grid]


def _sheet_of_runs(grids: Mapping[str, Grid], origin: str) -> str:
    """Return the one sheet whose columns are known; ask where several are."""
    able = [name for name, grid in grids.items() if any(map(meaning_of, _layout(grid).names))]
    able = able or list(grids)
    if len(able) > 1:
        listing = " and ".join(map(repr, able))
        raise BadRuns(
            f"{origin} has runs in sheets {listing}; say which: '{origin}{SHEET}{able[0]}'"
        )
    if not able:
        raise BadRuns(f"{origin} holds no cells")
    return able[0]


def _layout(grid: Grid) -> TableLayout:
    """Return where the table of a sheet stands; its rows have the numbers that Excel shows."""
    return layout_of(_texts(grid[:HEAD]), _texts(grid[-TAIL:]), np.arange(1, len(grid) + 1))


def _table(grid: Grid, origin: str) -> CellTable:
    """Return the table that stands on a sheet."""
    layout = _layout(grid)
    columns = _columns(grid, layout)
    refuse_doubled([name for name in layout.names if name], origin)
    keep = [
        i
        for i in range(layout.first, len(grid))
        if i not in layout.apart and any(cell is not None for cell in grid[i])
    ]
    cells = {name: [_plain(grid[i][at]) for i in keep] for name, at in columns.items()}
    table = source(origin, cells, rows=np.array(keep) + 1)
    return replace(table, notes=layout.notes, units=layout.units)


def _columns(grid: Grid, layout: TableLayout) -> dict[str, int]:
    """Return where each column that has a name, or holds something, stands."""
    columns = {}
    for at, name in enumerate(layout.names):
        if name or any(row[at] is not None for row in grid[layout.first :]):
            columns[name or f"{UNNAMED} {at + 1}"] = at
    return columns


def _texts(rows: Grid) -> list[list[str]]:
    return [["" if cell is None else plain_text(cell) for cell in row] for row in rows]


def _plain(cell: Any) -> float | str | None:
    """Return a number or a text; a date is a text, and true or false are."""
    if cell is None or type(cell) in (int, float, str):
        return cell  # type: ignore[no-any-return]
    return plain_text(cell)
