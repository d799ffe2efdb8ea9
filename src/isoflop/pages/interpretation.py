"""How a table was read: which column as which quantity, in which unit, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from isoflop.quantities import show
from isoflop.report import Block, Heading, Remark, Report, Table
from isoflop.runs import ColumnReading, Runs

KEY = "reading"  # of the data of a report
SHOWN = 12  # columns left out that are named


def with_readings(report: Report, tables: Sequence[Runs]) -> Report:
    """Return a report that ends with how its tables were read, also in its data.

    A remark on one column is dropped where the table says it.
    """
    unique = list({id(table): table for table in tables}.values())
    remarks = {
        n.text for t in unique for n in t.notes if n.topic == "column" and _is_told(t, n.symbol)
    }
    blocks = [b for b in report.blocks if not (isinstance(b, Remark) and b.text in remarks)]
    if KEY in report.data:
        return replace(report, blocks=tuple(blocks))
    for table in unique:
        blocks += reading_blocks(table)
    data = {**report.data, KEY: [reading_data(table) for table in unique]}
    return replace(report, blocks=tuple(blocks), data=data)


def _is_told(table: Runs, symbol: str) -> bool:
    """Return whether the table of a reading has a row on a quantity or label."""
    reading = table.reading
    return reading is not None and (reading.of(symbol) is not None or symbol in reading.labels)


def reading_blocks(table: Runs) -> tuple[Block, ...]:
    """Return how a table was read, nothing where every column stood under its own symbol."""
    reading = table.reading
    if reading is None or reading.is_plain:
        return ()
    rows = [
        (c.quantity, c.column, _unit(c), _change(c), ", ".join(c.others)) for c in reading.columns
    ]
    rows += [(label, name, "label", "", "") for label, name in reading.labels.items()]
    names = ("read as", "column", "unit", "numbers", "could serve as well")
    return (Heading(f"How {table.origin} was read"), Table(names, tuple(rows), _caption(table)))


def reading_data(table: Runs) -> dict[str, Any]:
    """Return how a table was read as JSON types."""
    reading = table.reading
    return {
        "source": table.origin,
        "columns": [column.data for column in reading.columns] if reading else [],
        "labels": dict(reading.labels) if reading else {},
        "columns_left_out": list(table.unread),
        "rows_left_out": [{"rows": list(o.rows), "reason": o.reason} for o in table.dropped],
    }


def _caption(table: Runs) -> str:
    """Return which columns and rows were left out."""
    parts = []
    if table.unread:
        more = f" and {len(table.unread) - SHOWN:,} more" if len(table.unread) > SHOWN else ""
        parts.append(f"Columns left out: {', '.join(table.unread[:SHOWN])}{more}.")
    parts += [f"Rows left out: {len(o.rows):,} ({o.reason})." for o in table.dropped]
    return " ".join(parts)


def _unit(column: ColumnReading) -> str:
    return ", ".join(filter(None, (column.unit, column.convention)))


def _change(column: ColumnReading) -> str:
    """Return what was done to the numbers of a column."""
    if column.logarithm:
        return "their log"
    return "as they stand" if column.factor == 1 else f"times {show(column.factor)}"
