"""The columns of a source on their way to `Runs`: understood, derived, and kept or left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from isoflop.arrays import Integers, Mask, Numbers
from isoflop.errors import BadRuns, Note
from isoflop.expressions import Assignment, Condition
from isoflop.runs import ColumnReading, Reading, Runs
from isoflop.runs.cells import name_rows
from isoflop.runs.table import ROW, Texts
from isoflop.sources.cells import Cells, CellTable, codes, texts
from isoflop.sources.columns import ColumnValues, SourceColumns, unit_after
from isoflop.sources.formulas import formulas
from isoflop.sources.naming import ChosenColumn, Naming
from isoflop.sources.shape import shape_notes

_LONGEST_LABEL = 500
# A column that has one of these names and holds no number at all is something else, such as the
# traceback of a run that failed; with any other symbol for a name, text is refused.
_OFTEN_TEXT = frozenset(
    {"error", "k", "d", "R", "V", "x", "y", "batch", "bits", "group", "start", "truncated"}
)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A source of which it is known what each column is."""

    source: SourceColumns
    numbers: Mapping[str, Numbers]
    labels: Mapping[str, Texts]
    conventions: Mapping[str, str]
    notes: tuple[Note, ...]
    unread: tuple[str, ...]
    readings: tuple[ColumnReading, ...] = ()
    label_names: Mapping[str, str] | None = None

    @property
    def cells(self) -> CellTable:
        """The source as it was given."""
        return self.source.table

    def scope(self, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return numbers and texts by name: those understood, and any source column in use."""
        # A column that is not in use is here for its name, to be suggested for a misspelt one.
        columns: dict[str, Any] = dict.fromkeys(self.cells.columns, np.zeros(1))
        for name in set(names) & set(columns):
            values, other = self.source.plain(name)
            columns[name] = np.array(texts(self.cells.columns[name])) if other.any() else values
        columns.setdefault(ROW, self.cells.rows.astype(np.float64))
        columns |= {**self.labels, **self.numbers}
        kinds = {name: cells.dtype.kind for name, cells in columns.items()}
        return (
            {name: cells for name, cells in columns.items() if kinds[name] == "f"},
            {name: cells for name, cells in columns.items() if kinds[name] == "U"},
        )

    def derive(self, assignment: Assignment) -> SourceTable:
        """Return the table with a column made, or replaced."""
        symbol = assignment.symbol
        values = assignment.values(*self.scope(assignment.names), len(self.cells.rows))
        is_update = symbol in assignment.names
        text = f"{symbol} was derived: {assignment.text.strip()}"
        return replace(
            self,
            numbers={**self.numbers, symbol: values},
            conventions={s: c for s, c in self.conventions.items() if is_update or s != symbol},
            notes=(*self.notes, Note("info", "derived", text, symbol=symbol)),
            readings=tuple(r for r in self.readings if r.quantity != symbol),
        )

    def runs(self, condition: Condition | None) -> Runs:
        """Return the rows that meet the condition, with a note on those that repeat."""
        if not (self.numbers or self.labels or not self.unread):
            shape = "".join(f"{note.text}; or " for note in shape_notes(self.cells))
            for symbol, formula in formulas(self.source, (), self.unread).items():
                shape += f"--derive '{symbol}={formula}' makes {symbol}; or "
            raise BadRuns(
                f"{self.cells.origin}: no column is recognised among {shortened(self.unread)}; "
                f"{shape}name them, such as --columns N=COLUMN"
            )
        runs = Runs(
            columns=self.numbers,
            labels=self.labels,
            conventions=self.conventions,
            origin=self.cells.origin,
            rows=self.cells.rows,
            unread=self.unread,
            dropped=self.cells.dropped,
            reading=Reading(
                self.readings,
                dict(self.label_names or {}),
                self.source.likely(self.unread),
                formulas(self.source, self.numbers, self.unread),
            ),
        )
        notes = (*self.cells.notes, *self.notes)
        mask, reason = np.ones(len(runs), dtype=bool), ""
        if condition is not None:
            mask = condition.mask(*self.scope(condition.names), len(runs))
            text = repr(condition.text.strip())
            if not mask.any():
                raise BadRuns(f"{runs.origin}: none of {len(runs):,} runs meets {text}")
            words = f"{mask.sum():,} of {mask.size:,} runs meet {text}; the others are left out"
            notes += (Note("info", "dropped", words),)
            reason = f"does not meet {text}"
        repeated = self._repeated(mask)
        if repeated.size:
            notes += (
                Note(
                    "info",
                    "duplicates",
                    f"exact duplicates, all kept: {name_rows(runs.rows[repeated])}",
                    rows=tuple(runs.rows[repeated].tolist()),
                ),
            )
        return replace(runs.keep(mask, reason), notes=notes)

    def _repeated(self, mask: Mask) -> Integers:
        """Return which of the kept rows equal another one in every column (k,)."""
        others = (self.cells.columns[name] for name in self.unread)
        columns: list[Cells] = [*self.numbers.values(), *self.labels.values(), *others]
        rows, group = np.flatnonzero(mask), np.zeros(int(mask.sum()), dtype=np.int64)
        for cells in columns:
            if not rows.size:
                break
            code = codes(cells)[rows]
            pair = group * (int(code.max()) + 2) + code + 1
            group, counts = np.unique(pair, return_inverse=True, return_counts=True)[1:]
            alike = counts[group] > 1
            rows, group = rows[alike], group[alike]
        return rows


def understood(source: SourceColumns, naming: Naming) -> SourceTable:
    """Return the columns of a source as numbers and labels, with a note on every guess.

    Raises BadRuns for a column that holds text where numbers must be.
    """
    table = source.table
    numbers: dict[str, Numbers] = {}
    conventions, notes = dict(table.conventions), [*shape_notes(table), *naming.notes]
    readings: list[ColumnReading] = []
    for symbol, choice in naming.symbols.items():
        column = source.read(symbol, choice.name, choice.meaning.unit)
        lenient = choice.guessed or (symbol == choice.name and symbol in _OFTEN_TEXT)
        if column.other.any() and not (lenient and np.isnan(column.values).all()):
            _refuse_text(table, symbol, choice.name, column.other)
        if column.other.any():
            continue
        numbers[symbol] = column.values
        stated = _stated(symbol, choice, column)
        if stated and symbol not in table.conventions:
            conventions[symbol] = stated
        readings.append(_reading(symbol, choice, column, conventions.get(symbol)))
        notes += _column_notes(symbol, choice, column, stated)
    labels = {label: _labels(table, label, name) for label, name in naming.labels.items()}
    notes += [
        Note("info", "column", f"column {naming.labels[k]!r} read as {k}", symbol=k)
        for k in labels
        if k in naming.guessed_labels
    ]
    used = {*(naming.symbols[s].name for s in numbers), *naming.labels.values()}
    unread = tuple(name for name in table.columns if name not in used)
    if unread:
        notes.append(Note("info", "columns", f"columns left out: {shortened(unread)}"))
    return SourceTable(
        source=source,
        numbers=numbers,
        labels=labels,
        conventions=conventions,
        notes=tuple(notes),
        unread=unread,
        readings=tuple(readings),
        label_names=naming.labels,
    )


def _stated(symbol: str, choice: ChosenColumn, column: ColumnValues) -> str | None:
    """Return the convention, or the unit of a loss, that a column has."""
    if column.unit is not None and column.unit.loss is not None:
        return column.unit.loss
    return choice.meaning.convention


def _reading(
    symbol: str, choice: ChosenColumn, column: ColumnValues, stated: str | None
) -> ColumnReading:
    unit = column.unit
    return ColumnReading(
        quantity=symbol,
        column=choice.name,
        unit=unit_after(symbol, unit, stated if symbol == "L" else None),
        factor=unit.factor if unit else 1.0,
        logarithm=unit.logarithm if unit else False,
        convention=stated if symbol != "L" else None,
        others=choice.others,
        by_user=not choice.guessed,
        split=choice.meaning.split,
    )


def _column_notes(
    symbol: str, choice: ChosenColumn, column: ColumnValues, stated: str | None
) -> list[Note]:
    """Return what is to be said of a column that was guessed, or whose numbers were changed."""
    unit, notes = column.unit, list[Note]()
    if column.has_errors:
        text = f"column {choice.name!r}: the errors beside its numbers, as ± 0.01, are left out"
        notes.append(Note("info", "errors", text, symbol=symbol))
    changed = unit is not None and (unit.factor != 1 or unit.logarithm)
    if not choice.guessed and not changed:
        return notes
    words = f"column {choice.name!r} read as {symbol}" + (f" ({stated})" if stated else "")
    if unit is not None and unit.logarithm:
        words += ": the log of perplexities"
    elif unit is not None and unit.factor != 1:
        words += f", times {unit.factor:.4g} ({unit.text})"
    if choice.others:
        words += f"; {shortened(choice.others)} could serve as well"
    return [*notes, Note("info", "column", words, symbol=symbol)]


def _refuse_text(source: CellTable, symbol: str, name: str, other: Mask) -> NoReturn:
    cells = list(dict.fromkeys(np.array(texts(source.columns[name]), dtype=object)[other]))
    examples = ", ".join(repr(text[:40]) for text in cells[:3]) + (
        ", ..." if len(cells) > 3 else ""
    )
    column = f"column {name!r}" + ("" if symbol == name else f" (read as {symbol})")
    raise BadRuns(
        f"{source.origin}: {column} holds text that is no number: {examples} in "
        f"{name_rows(source.rows[other])}; write numbers like 70e9 or 70B, and leave a cell empty "
        "where one is missing"
    )


def _labels(source: CellTable, label: str, name: str) -> Texts:
    values = texts(source.columns[name])
    if (longest := max(map(len, values))) > _LONGEST_LABEL:
        row = source.rows[[len(text) for text in values].index(longest)]
        raise BadRuns(
            f"{source.origin}: column {name!r} (read as the label {label}) holds a text of "
            f"{longest:,} characters in row {row}; rename that column, or shorten it"
        )
    return np.array(values, dtype=np.str_)


def shortened(names: tuple[str, ...]) -> str:
    """Return the first dozen names, and how many more there are."""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more
