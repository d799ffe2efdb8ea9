"""The page of a result that has none of its own: its notes, its numbers, its tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from isoflop.errors import Note as ResultNote
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.report import Block, Paragraph, Report, Table, note_blocks
from isoflop.report.columns import Columns, columns_of
from isoflop.report.display import Displayed

ROWS = 40  # of a table that are shown; its data frame has them all
HIDDEN = ("notes", "doubts")  # told as notes


@shows(Displayed)
def page_of(result: Displayed) -> Report:
    """Return the tables of a result as a report."""
    values = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}  # type: ignore[arg-type]
    notes = [n for name in HIDDEN for n in _notes(values.get(name))]
    blocks: list[Block] = [*note_blocks(notes)]
    tables = {n: t for n, t in columns_of(result).items() if n not in HIDDEN}
    for name, columns in tables.items():
        blocks += _told(name, columns)
    words = answered(", ".join(result._facts()) or type(result).__name__, blocks)
    data = {name: _listed(columns) for name, columns in tables.items()}
    return Report(type(result).__name__, tuple(blocks), data, answer=words)


def _notes(value: Any) -> list[ResultNote]:
    notes = value if isinstance(value, tuple | list) else ()
    return [note for note in notes if isinstance(note, ResultNote)]


def _listed(columns: Columns) -> dict[str, list[Any]]:
    return {
        name: values.tolist() if hasattr(values, "tolist") else list(values)
        for name, values in columns.items()
    }


def _told(name: str, columns: Columns) -> list[Block]:
    """Return a table of columns, or of names and values where there is one row alone."""
    lists: Mapping[str, list[Any]] = _listed(columns)
    count = max(map(len, lists.values()), default=0)
    if count == 1:
        pairs = tuple((key, _cell(values[0])) for key, values in lists.items())
        return [Table((name, ""), pairs)] if pairs else []
    rows = zip(*(values[:ROWS] for values in lists.values()), strict=True)
    table = Table(tuple(lists), tuple(tuple(map(_cell, row)) for row in rows), name)
    more = f"{count - ROWS:,} more rows are in to_frame({name!r})."
    return [table, Paragraph(more)] if count > ROWS else [table]


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)
