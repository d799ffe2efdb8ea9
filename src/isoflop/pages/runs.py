"""Look at runs, and write them in another format."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.errors import texts
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered
from isoflop.pages.interpretation import KEY, reading_blocks, reading_data
from isoflop.pages.provenance import counted, dropped
from isoflop.quantities import QUANTITIES, show
from isoflop.report import Axis, Block, Figure, Points, Remark, Report, Table, note_blocks
from isoflop.report.columns import Columns
from isoflop.runs import Runs

FIRST = 8  # rows that are shown


@shows(Runs)
def page_of(table: Runs) -> Report:
    """Return runs as a report: what was read as what, how it is counted, and its range."""
    blocks: list[Block] = [
        *note_blocks((*table.doubts, *table.notes)),
        *unstated(table),
        ranges(table),
        first_rows(table),
        *figure(table),
        *reading_blocks(table),
    ]
    title = f"{len(table):,} runs of {table.origin}"
    return Report(title, tuple(blocks), as_data(table), answer=answered(_answer(table), blocks))


def written(table: Runs, out: str) -> Report:
    """Return what was written to a file: how it is counted, and its range."""
    blocks: list[Block] = [
        *note_blocks((*table.doubts, *table.notes)),
        *unstated(table),
        ranges(table),
    ]
    title = f"{len(table):,} runs of {table.origin}, written to {out}"
    answer = answered(_answer(table), blocks)
    return Report(title, tuple(blocks), {"out": out, **as_data(table)}, answer=answer)


@tabulates(Runs)
def tables_of(table: Runs) -> dict[str, Columns]:
    """Return the runs as they are: the rows of the source, columns and labels."""
    return {"runs": {"row": table.rows, **table.columns, **table.labels}}


def _answer(table: Runs) -> str:
    """Return how many runs there are, over which ranges."""
    spans = []
    for symbol, values in table.columns.items():
        finite = values[np.isfinite(values)]
        if finite.size:
            ends = dict.fromkeys(show(float(end)) for end in (finite.min(), finite.max()))
            spans.append(f"{symbol} {' to '.join(ends)}")
    left_out = dropped(table)
    rest = f"; {left_out:,} rows are left out" if left_out else ""
    return f"{len(table):,} runs: {', '.join(spans)}{rest}"


def unstated(table: Runs) -> list[Remark]:
    """Return which conventions the runs do not state."""
    silent = [s for s in ("N", "C") if s in table and s not in table.conventions]
    return [
        Remark(
            f"the convention by which {s} is counted is not stated; --convention {s}=... says it"
        )
        for s in silent
    ]


def ranges(table: Runs) -> Table:
    """Return each column with its unit, range and missing values."""
    rows = []
    for symbol, values in table.columns.items():
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
        unit = counted(table, symbol) if symbol in QUANTITIES else "noise of the output"
        rows.append((symbol, unit, low, high, values.size - finite.size))
    labels = tuple(
        (name, "label", None, None, int((texts == "").sum()))
        for name, texts in table.labels.items()
    )
    return Table(("column", "counted in", "least", "most", "missing"), (*rows, *labels))


def first_rows(table: Runs) -> Table:
    """Return the first rows of the table."""
    names = (*table.columns, *table.labels)
    rows = []
    for i in range(min(FIRST, len(table))):
        numbers = [float(v[i]) if np.isfinite(v[i]) else None for v in table.columns.values()]
        rows.append((int(table.rows[i]), *numbers, *(str(v[i]) for v in table.labels.values())))
    return Table(("row", *names), tuple(rows), f"the first {len(rows)} of {len(table):,} runs")


def figure(table: Runs) -> tuple[Figure, ...]:
    """Return the loss against compute, or against the first quantity there is."""
    across = next((s for s in ("C", "D", "N", "k", "d", "x") if s in table), None)
    up = next((s for s in ("L", "error", "R", "y") if s in table), None)
    if across is None or up is None:
        return ()
    axis = Axis.of(up, table.conventions.get(up), log=bool((table[up] > 0).all()))
    points = Points("runs", table[across], table[up])
    return (Figure(f"{up} against {across}", Axis.of(across), axis, (points,)),)


def as_data(table: Runs) -> dict[str, Any]:
    """Return runs as JSON types; a missing number is null."""
    numbers = {
        symbol: [float(v) if np.isfinite(v) else None for v in values]
        for symbol, values in table.columns.items()
    }
    return {
        "n": len(table),
        "dropped": dropped(table),
        "origin": table.origin,
        "conventions": dict(table.conventions),
        "notes": texts(table.notes),
        KEY: [reading_data(table)],
        "columns": numbers,
        "labels": {name: texts.tolist() for name, texts in table.labels.items()},
        "rows": table.rows.tolist(),
        "digest": table.digest,
    }
