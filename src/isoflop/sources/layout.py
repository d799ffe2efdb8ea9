"""Where a table stands in a grid of cells: titles above it, names, units below them, footnotes.

A sheet is made to be looked at. Its names may stand in two rows, their units in a row of their
own, and there may be a title above and a remark below. What is passed over is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isoflop.arrays import Integers
from isoflop.errors import Note, brief
from isoflop.runs import LABELS, SYMBOLS
from isoflop.runs.spreadsheet import unquoted
from isoflop.sources.column_names import meaning_of
from isoflop.sources.number_format import COMMA, POINT, number_in
from isoflop.sources.units import unit_in

HEAD, TAIL = 8, 4  # rows at the ends of a grid that may be no runs
# What stands below the name of a column that has no unit.
_NO_UNIT = frozenset(("-", "–", "—", "/", "text", "name", "id", "none"))
_OTHER_UNIT = frozenset(("s", "sec", "h", "min", "days", "usd", "$", "layers", "tok/s"))
_REMARK = re.compile(r"[*†‡#(]|sources?\b|notes?\b|totals?\b|legend\b|\S+\s", re.IGNORECASE)

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The names of columns, the units that a row states of them, and where the runs stand.

    `first` is the row of the grid at which runs begin, from 0; `apart` are rows from there on
    that are none. `notes` say what was passed over.
    """

    names: tuple[str, ...]
    first: int
    units: Mapping[str, str] = field(default_factory=dict)
    apart: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()


def layout_of(head: Sequence[Row], tail: Sequence[Row], rows: Integers) -> TableLayout:
    """Return where a table stands in a grid of rows (of equal length).

    `head` and `tail` are its first and last rows, `rows` (n,) the numbers of all in their file.
    """
    count, at = len(rows), _header(head)
    names, below = _names(head, at)
    first = at + 1 + below
    notes = _titles(head[:at], below)
    apart: list[int] = []
    units: dict[str, str] = {}
    if first < len(head) and first < count and _is_units(head[first]):
        units, apart = _units_of(names, head[first]), [first]
    ending = _ending(tail, count, first)
    for i in ending:
        row = tail[i - count]
        if _is_units(row) and not units:
            units = _units_of(names, row)
    apart += ending
    if units:
        listing = ", ".join(f"{name} in {unit}" for name, unit in list(units.items())[:8])
        notes.append(Note("info", "units", f"a row of the table states units: {listing}"))
    remarks = [i for i in ending if not _is_units(tail[i - count])]
    if remarks:
        texts = "; ".join(brief(_entries(tail[i - count])[0]) for i in remarks)
        numbers = tuple(rows[remarks].tolist())
        notes.append(Note("info", "layout", f"below the table, and no run: {texts}", numbers))
    return TableLayout(tuple(names), first, units, tuple(apart), tuple(notes))


def _header(rows: Sequence[Row]) -> int:
    """Return which row names the columns: past a title, the one whose names are best known."""
    start = 0
    while start + 1 < len(rows) and _is_title(rows[start], rows[start + 1 :]):
        start += 1
    best, most = start, _count_known(rows[start]) if rows else 0
    for i in range(start + 1, len(rows)):
        if has_number(rows[i]) or _is_units(rows[i]):
            break
        if _count_known(rows[i]) > most:
            best, most = i, _count_known(rows[i])
    return best


def _is_title(row: Row, below: Sequence[Row]) -> bool:
    """Return whether a row holds one text at most, where others below it hold several."""
    several = (other for other in below if len(_entries(other)) > 1)
    return len(_entries(row)) <= 1 and not has_number(row) and not all(map(has_number, several))


def _names(rows: Sequence[Row], at: int) -> tuple[list[str], int]:
    """Return the names of columns, and how many rows below the first complete them.

    A name that spans several columns stands before those below it, or above.
    """
    row = [_clean(cell) for cell in rows[at]] if rows else []
    below = rows[at + 1] if at + 1 < len(rows) else ()
    parts = [_clean(cell) for cell in below]
    if _completes(row, parts):
        return [f"{a} {b}".strip() for a, b in zip(_spread(row, parts), parts, strict=True)], 1
    if at and (twice := {n for n, k in Counter(row).items() if k > 1 and n}):
        groups = _spread([_clean(cell) for cell in rows[at - 1]], row)
        row = [f"{g} {n}".strip() if n in twice else n for g, n in zip(groups, row, strict=True)]
    return row, 0


def _completes(row: Row, below: Row) -> bool:
    """Return whether a row without numbers names what an empty cell above it leaves open."""
    if not _entries(below) or has_number(below) or _is_units(below) or len(below) != len(row):
        return False
    return any(not a and b for a, b in zip(row, below, strict=True))


def _spread(row: Row, below: Row) -> list[str]:
    """Return the names of a row, each also over the empty cells that follow it."""
    spread, last = [], ""
    for name, part in zip(row, below, strict=True):
        last = name or (last if part else "")
        spread.append(last)
    return spread


def _titles(rows: Sequence[Row], below: int) -> list[Note]:
    texts = [brief(" ".join(_entries(row))) for row in rows if _entries(row)]
    notes = []
    if texts:
        notes.append(
            Note("info", "layout", f"above the names, and passed over: {'; '.join(texts)}")
        )
    if below:
        notes.append(Note("info", "layout", "the names of columns stand in two rows"))
    return notes


def _ending(tail: Sequence[Row], count: int, first: int) -> list[int]:
    """Return the last rows of a grid that are no runs: units, or a remark in one cell."""
    rows: list[int] = []
    for i in range(count - 1, first, -1):
        at = i - count
        if -at > len(tail):
            break
        entries = _entries(tail[at])
        if not entries:
            continue
        alone = len(entries) == 1 < len(tail[at]) and not has_number(tail[at])
        if not ((alone and _REMARK.match(entries[0])) or _is_units(tail[at])):
            break
        rows.append(i)
    return rows[::-1]


def _is_units(row: Row) -> bool:
    """Return whether each cell of a row that holds something is a unit, such as M or [nats]."""
    entries = [cell.strip("()[]{} ") for cell in _entries(row)]
    real = [cell for cell in entries if unit_in(cell) is not None]
    if not real or has_number(row):
        return False
    return all(c in real or c.lower() in _NO_UNIT or c.lower() in _OTHER_UNIT for c in entries)


def _units_of(names: Sequence[str], row: Row) -> dict[str, str]:
    cells = zip(names, (cell.strip("()[]{} ") for cell in row), strict=True)
    return {name: unit for name, unit in cells if unit and unit_in(unit) is not None}


def has_number(row: Row) -> bool:
    """Return whether some cell of a row is a number, however it is written."""
    return any(number_in(cell, marks) is not None for cell in row for marks in (POINT, COMMA))


def _count_known(row: Row) -> int:
    """Return how many cells of a row are names of quantities or labels."""
    cells = [_clean(cell) for cell in row]
    return sum(
        c in SYMBOLS or c.lower() in (*LABELS, "model") or meaning_of(c) is not None
        for c in cells
        if c
    )


def _entries(row: Row) -> list[str]:
    return [cell.strip() for cell in row if cell.strip()]


def _clean(cell: str) -> str:
    """Return a name without a line break, and without the quote that a spreadsheet keeps."""
    return " ".join(unquoted(cell.strip()).split())
