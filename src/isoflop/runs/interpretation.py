"""What a reader took for what: of each quantity its column, unit, factor and convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ColumnReading:
    """The column of a source that was read as one quantity.

    Its numbers were multiplied by `factor`, after which `unit` holds, or of perplexities the
    `logarithm` was taken. `others` are columns that could have served; `by_user` says that the
    user named the column. `split` is that of a loss: held-out, training, or "" where no name says.
    """

    quantity: str
    column: str
    unit: str
    factor: float = 1.0
    logarithm: bool = False
    convention: str | None = None
    others: tuple[str, ...] = ()
    by_user: bool = False
    split: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The reading as JSON types."""
        return {
            "quantity": self.quantity,
            "column": self.column,
            "unit": self.unit,
            "factor": self.factor,
            "logarithm": self.logarithm,
            "convention": self.convention,
            "others": list(self.others),
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source was read: the columns of quantities, and those of labels by label.

    `likely` are columns that were left out and hold numbers that vary, so that they may be named
    with --columns; `formulas` are what --derive would make of such columns, by quantity.
    """

    columns: tuple[ColumnReading, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    likely: tuple[str, ...] = ()
    formulas: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether each column stood under the symbol it was read as, in the unit it is read in."""
        plain = (c.column == c.quantity and c.factor == 1 and not c.logarithm for c in self.columns)
        return all(plain) and all(label == name for label, name in self.labels.items())

    def of(self, quantity: str) -> ColumnReading | None:
        """Return the reading of one quantity, None where no column was read as it."""
        return next((c for c in self.columns if c.quantity == quantity), None)
