"""One column of a source as one quantity: its marks, its unit, and what was done to its numbers."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from isoflop.arrays import Mask, Numbers
from isoflop.errors import BadRuns, brief
from isoflop.quantities import QUANTITIES
from isoflop.runs import ABOVE_ZERO
from isoflop.runs.cells import name_rows
from isoflop.runs.plausibility import possible
from isoflop.sources.cells import (
    SAMPLE,
    Cells,
    CellTable,
    evidence_of,
    numbers,
    suffixed,
    texts,
    without_errors,
    without_suffix,
)
from isoflop.sources.number_format import COMMA, POINT, Evidence, Marks, marks_of, refuse_open
from isoflop.sources.units import LOSSES, Unit, stated_unit, unit_in

_BY_WORD = {"decimal-comma": COMMA, "thousands-comma": POINT}


@dataclass(frozen=True, eq=False)
class ColumnValues:
    """The numbers of a column in the unit of the vocabulary, and which cells are other text.

    `unit` is the one applied to them, None where they are as they stand in the source;
    `has_errors` says that cells told how far they are known, which was left out.
    """

    values: Numbers
    other: Mask
    unit: Unit | None = None
    has_errors: bool = False


@dataclass(frozen=True, eq=False)
class SourceColumns:
    """The columns of a source, and what the user and the file say of their numbers.

    `units` are statements of the user by quantity, as --unit takes them.
    """

    table: CellTable
    units: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def evidence(self) -> Evidence:
        """What the whole file says of the marks of its numbers."""
        total = Evidence.NONE
        columns = [self.cells(name) for name in self.table.columns]
        for cells in columns:
            total |= evidence_of(cells)
        if total:  # where commas are about, points say something too
            for cells in columns:
                total |= evidence_of(cells, ",.")
        return total

    @functools.cached_property
    def _cells_by_name(self) -> dict[str, tuple[Cells, bool]]:
        return {}

    def cells(self, name: str) -> Cells:
        """Return the cells of a column without what some say of how far they are known."""
        if name not in self._cells_by_name:
            self._cells_by_name[name] = without_errors(self.table.columns[name])
        return self._cells_by_name[name][0]

    def plain(self, name: str) -> tuple[Numbers, Mask]:
        """Return the numbers of a column as they stand, for formulas and conditions."""
        cells = self.cells(name)
        evidence = evidence_of(cells)
        return numbers(cells, marks_of(evidence, self.evidence) if evidence else None)

    def read(self, symbol: str, name: str, named_unit: Unit | None) -> ColumnValues:
        """Return a column as a quantity, its unit that of the user, else that of its name.

        Raises BadRuns for marks or units that cannot be told, UsageError for a unit that is none.
        """
        cells, of_cells = self._of_unit(symbol, name)
        stated, word = self._stated(symbol)
        of_row = unit_in(self.table.units.get(name, ""), symbol)
        of_row = of_row if of_row and of_row.kind != "plain" else None
        unit = stated or of_cells or of_row or named_unit
        marks = _BY_WORD[word] if word else self._marks(symbol, name, cells, unit)
        values, other = numbers(cells, marks)
        unit = self._unless_in_cells(symbol, name, unit, other)
        has_errors = self._cells_by_name[name][1]
        if unit is None or other.all():
            return ColumnValues(values, other, None, has_errors)
        return ColumnValues(_converted(values, unit), other, unit, has_errors)

    def _of_unit(self, symbol: str, name: str) -> tuple[Cells, Unit | None]:
        """Return the cells of a column; of a loss without the unit that all of them end in."""
        cells = self.cells(name)
        if symbol not in LOSSES:
            return cells, None
        plain, word = without_suffix(cells)
        unit = unit_in(word, symbol) if word else None
        return (plain, unit) if unit is not None and unit.kind == "loss" else (cells, None)

    def _stated(self, symbol: str) -> tuple[Unit | None, str | None]:
        text = self.units.get(symbol)
        return (None, None) if text is None else stated_unit(symbol, text)

    def _marks(self, symbol: str, name: str, cells: Cells, unit: Unit | None) -> Marks | None:
        """Return the marks of a column: by itself, else by what its numbers can be and its file.

        Raises BadRuns where these do not tell, or contradict each other.
        """
        evidence = evidence_of(cells, ",." if self.evidence else ",")
        if evidence & (Evidence.POINT | Evidence.COMMA) or not evidence:
            if evidence & Evidence.POINT and evidence & Evidence.COMMA:
                self._refuse_mixed(symbol, name)
            return marks_of(evidence) if evidence else None
        file = marks_of(Evidence.NONE, self.evidence & (Evidence.POINT | Evidence.COMMA))
        file = file if self.evidence & (Evidence.POINT | Evidence.COMMA) else None
        if Evidence.OPEN_COMMA not in evidence | self.evidence and file is not COMMA:
            return POINT  # 4.693, and nothing in the file against it
        able = [m for m in (COMMA, POINT) if self._is_possible(symbol, cells, unit, m)]
        if file is not None and file in able:
            return file
        if file is None and len(able) == 1:
            return able[0]
        example = next(t for t in texts(cells) if "," in t or "." in t)
        refuse_open(name, symbol, self.table.origin, example)

    def _is_possible(self, symbol: str, cells: Cells, unit: Unit | None, marks: Marks) -> bool:
        values, other = numbers(cells, marks)
        if other.any():
            return False
        scaled = _converted(values, unit) if unit else values
        return possible(symbol, scaled, unit is not None or bool(suffixed(cells).any()))

    def _refuse_mixed(self, symbol: str, name: str) -> None:
        cells = texts(self.table.columns[name])
        examples = [t for t in dict.fromkeys(cells) if "," in t or "." in t][:4]
        raise BadRuns(
            f"{self.table.origin}: column {brief(name)} ({symbol}) mixes decimal points and "
            f"decimal commas: {', '.join(map(repr, examples))}; write all of them alike"
        )

    def _unless_in_cells(
        self, symbol: str, name: str, unit: Unit | None, other: Mask
    ) -> Unit | None:
        """Return the unit, None where each cell says its own; refuse a column of both."""
        if unit is None or unit.kind == "loss":
            return unit
        suffix = suffixed(self.table.columns[name])
        empty = (
            np.array([not t.strip() for t in texts(self.table.columns[name])])
            if suffix.any()
            else suffix
        )
        if not suffix.any():
            return unit
        bare = ~suffix & ~empty & ~other
        if bare.any():
            raise BadRuns(
                f"{self.table.origin}: {symbol} in column {brief(name)} is in {unit.text!r}, and "
                "some cells say a unit of their own, others none, as "
                f"{name_rows(self.table.rows[bare])}; write all of them alike"
            )
        return None

    def usable(self, symbol: str, name: str) -> str:
        """Return why a column cannot be a quantity, or is no use as one; "" where it can.

        A column that holds text, one number throughout, or none above zero where there must be.
        """
        cells = self.cells(name)[:SAMPLE]
        if evidence_of(cells):
            return ""
        values, other = numbers(cells)
        if other.any() and np.isnan(values[~other]).all():
            return "holds text"
        finite = values[np.isfinite(values)]
        if not finite.size:
            return "is empty"
        if symbol in ABOVE_ZERO and not (finite > 0).any():
            return "holds no number above zero"
        if len(cells) > 1 and finite.size == len(cells) and np.ptp(finite) == 0:
            return "holds one number throughout"
        return ""

    def likely(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of some columns that hold numbers which vary, so that one may be named."""
        return tuple(n for n in names[:500] if not self.usable("L", n))


def _converted(values: Numbers, unit: Unit) -> Numbers:
    with np.errstate(all="ignore"):
        result = np.log(values) if unit.logarithm else values * unit.factor
    if unit.factor in (1.0,) or unit.logarithm or values.size > 100_000:
        return result
    # 0.07 B is 70000000, and not 70000000.00000001.
    return np.array([float(f"{v:.15g}") for v in result])


def unit_after(symbol: str, unit: Unit | None, stated: str | None) -> str:
    """Return the unit that the numbers of a quantity are in once they are read."""
    if unit is not None and unit.loss is not None:
        return unit.loss
    default = QUANTITIES[symbol].unit if symbol in QUANTITIES else ""
    return stated or default
