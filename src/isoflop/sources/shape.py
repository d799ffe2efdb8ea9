"""Shapes of tables that are not a row a run, in words."""

from __future__ import annotations

from isoflop.errors import Note
from isoflop.runs import SYMBOLS
from isoflop.sources.cells import CellTable, texts
from isoflop.sources.column_names import meaning_of
from isoflop.sources.number_format import POINT, number_in

TOPIC = "shape"
FEWEST = 3  # columns named by numbers that make a grid
_TALLEST = 60  # rows of a table that lies on its side


def shape_notes(table: CellTable) -> tuple[Note, ...]:
    """Return a doubt about a table whose rows are most likely not runs."""
    names = list(table.columns)
    if names and len(table.rows) <= _TALLEST and not any(map(_is_known, names)):
        symbols = {m.symbol for t in texts(table.columns[names[0]]) if (m := meaning_of(t))}
        if len(symbols) >= 2:
            return (
                _doubt(
                    f"the names of quantities stand in the first column ({names[0]!r}), so the "
                    "table lies on its side; transpose it, so that a row is a run"
                ),
            )
    numbers = [name for name in names if number_in(name, POINT) is not None]
    if len(numbers) < FEWEST:
        return ()
    listing = ", ".join(numbers[:4]) + (", ..." if len(numbers) > 4 else "")
    return (
        _doubt(
            f"columns are named by numbers ({listing}), as in a grid with an amount over each "
            "column; write a row a run, with that amount in a column of its own"
        ),
    )


def _is_known(name: str) -> bool:
    return name in SYMBOLS or meaning_of(name) is not None


def _doubt(text: str) -> Note:
    return Note("doubt", TOPIC, text)
