"""What is read of a run: the numbers that it logged, what it says of itself, and how it ended."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Integers, Numbers
from isoflop.errors import Note

Record: TypeAlias = Mapping[str, Any]
Wanted: TypeAlias = Callable[[str], bool]  # whether a field of this name is to be kept


def everything(name: str) -> bool:
    """Want every field."""
    return True


@dataclass(frozen=True, eq=False)
class Series:
    """One field of a run: its `values` (k,), each in the record of a `row` (k,)."""

    rows: Integers
    values: Numbers


@dataclass(frozen=True, eq=False)
class History:
    """What a run logged, n records in the order of writing, kept by field.

    `series` holds numbers, `texts` the last text of a field, `lines` (n,) where records stand in
    their source. `unwanted` counts the values of fields that the reader was told to pass by.
    """

    series: Mapping[str, Series]
    lines: Integers
    texts: Mapping[str, str] = field(default_factory=dict)
    unwanted: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.lines.size)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of numbers that were kept."""
        return tuple(self.series)

    def column(self, name: str) -> Numbers:
        """Return a field in every record (n,), NaN where a record lacks it."""
        values = np.full(len(self), np.nan)
        if name in self.series:
            values[self.series[name].rows] = self.series[name].values
        return values

    def select(self, rows: Integers) -> History:
        """Return the records at `rows` (k,), which may come in any order."""
        place = np.full(len(self), -1, np.int64)
        place[rows] = np.arange(rows.size)
        series = {}
        for name, column in self.series.items():
            at = place[column.rows]
            there = at >= 0
            order = np.argsort(at[there], kind="stable")
            series[name] = Series(at[there][order], column.values[there][order])
        return History(series, self.lines[rows], self.texts, self.unwanted)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """The records as mappings of numbers by field; fields of texts are left out."""
        records: list[dict[str, Any]] = [{} for _ in range(len(self))]
        for name, column in self.series.items():
            for row, value in zip(column.rows.tolist(), column.values.tolist(), strict=True):
                records[row][name] = value
        return tuple(records)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all numbers, in hex, by which a copy of a run is told."""
        total = hashlib.sha256()
        for name, column in sorted(self.series.items()):
            total.update(
                name.encode(errors="replace") + column.rows.tobytes() + column.values.tobytes()
            )
        return total.hexdigest()


class HistoryWriter:
    """Collects records field by field, in 16 bytes a number."""

    def __init__(self, wanted: Wanted = everything) -> None:
        self._wanted = wanted
        self._fields: dict[str, tuple[array[int], array[float]] | None] = {}
        self._unwanted: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self._lines: array[int] = array("q")

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: int, record: Iterable[tuple[str, Any]]) -> None:
        """Add a record; what is neither a number nor a text is passed by."""
        row = len(self._lines)
        self._lines.append(line)
        self.extend(row, record)

    def extend(self, row: int, record: Iterable[tuple[str, Any]]) -> None:
        """Add fields to a record that is there."""
        for name, value in record:
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.put(row, name, value)
            elif isinstance(value, str):
                self._texts[name] = value

    def put(self, row: int, name: str, value: float) -> None:
        """Add one number to a record that is there; the last one of a field counts."""
        try:
            column = self._fields[name]
        except KeyError:
            column = self._fields[name] = (array("q"), array("d")) if self._wanted(name) else None
        if column is None:
            self._unwanted[name] = self._unwanted.get(name, 0) + 1
            return
        rows, values = column
        number = finite(value)
        if rows and rows[-1] == row:
            values[-1] = number
        else:
            rows.append(row)
            values.append(number)

    def history(self) -> History:
        """Return what was collected."""
        series = {
            name: Series(np.array(column[0], np.int64), np.array(column[1]))
            for name, column in self._fields.items()
            if column is not None and column[0]
        }
        lines = np.array(self._lines, np.int64)
        return History(series, lines, dict(self._texts), dict(self._unwanted))


def finite(value: float) -> float:
    """Return a number as a float, NaN where it is infinite or too large for one."""
    try:
        return float(value) if math.isfinite(value) else math.nan
    except OverflowError:
        return math.nan


def history_of(records: Iterable[Record], lines: Iterable[int] | None = None) -> History:
    """Return records as a history; without `lines` they are numbered from 1 on."""
    writer = HistoryWriter()
    numbers = iter(lines) if lines is not None else None
    for i, record in enumerate(records, 1):
        writer.add(i if numbers is None else next(numbers), record.items())
    return writer.history()


@dataclass(frozen=True, eq=False)
class Log:
    """One run as a log or a tracker tells it.

    `recipe` is what the user calls its recipe, `origin` where it stands, `settings` what it says
    of itself (config, header, summary) by flat names, `state` how it ended where that is told
    ("finished", "crashed", ...), `key` what the tracker knows it by, and `program` what wrote it.
    """

    run: str
    recipe: str
    origin: str
    history: History
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    key: str = ""
    program: str = ""
    start: float = 0.0
    notes: tuple[Note, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """The records in the order in which they were written."""
        return self.history.records

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines where the records stand, or their numbers."""
        return tuple(self.history.lines.tolist())


def flat(record: Mapping[str, Any], open_: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a nested mapping with its numbers and texts at the top, names joined by "/".

    What stands under a name in `open_` keeps its own name.
    """
    level: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            inner = flat(value, open_)
            level |= inner if name in open_ else {f"{name}/{k}": v for k, v in inner.items()}
        elif isinstance(value, str):
            level[str(name)] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            level[str(name)] = finite(value)
    return level
