"""What a cell of a table of runs may hold, and the sentences about cells that may not be."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Integers, Mask, Numbers
from isoflop.errors import BadRuns
from isoflop.quantities import FROM_ZERO, QUANTITIES, is_share, quantity

LABELS = ("run", "family", "seed", "state")
SYMBOLS = (*QUANTITIES, "sigma")
_FREE = (
    "R",
    "R_proxy",
    "KL",
    "start",
    "truncated",
    "unvaried",
    "entropy",
    "d",
    "error",
    "score",
    "dL",
    "L_u",
    "x",
    "y",
)
COUNTED = ("steps", "rollouts", "hours")  # from 0, where a run begins
ABOVE_ZERO = tuple(s for s in SYMBOLS if s not in (*_FREE, *COUNTED, *FROM_ZERO))
_BELOW = "must not be below zero"

# What would make a column that is not there, and from which others.
_DERIVATIONS = (
    ("D", "C/6N", ("C", "N")),
    ("N", "C/6D", ("C", "D")),
    ("C", "6N*D", ("N", "D")),
    ("D", "steps*batch", ("steps", "batch")),
    ("D", "U*epochs", ("U", "epochs")),
)
# Words in the name of a column that speak for a quantity.
_WORDS = {
    "N": ("param", "size"),
    "D": ("token", "data"),
    "U": ("unique",),
    "C": ("flop", "compute"),
    "L": ("loss", "entropy", "bits"),
    "R": ("reward", "score"),
    "error": ("err",),
}


def name_rows(rows: Integers) -> str:
    """Return the row numbers in words: the first five, and how many more.

    >>> name_rows(np.array([3])), name_rows(np.array([3, 7, 9]))
    ('row 3', 'rows 3, 7 and 9')
    """
    labels = [str(row) for row in rows[:5]]
    if len(rows) == 1:
        return f"row {labels[0]}"
    last = f"{len(rows) - 5:,} more" if len(rows) > 5 else labels.pop()
    return f"rows {', '.join(labels)} and {last}"


def refuse_impossible(columns: Mapping[str, Numbers], rows: Integers, origin: str) -> None:
    """Refuse infinite cells, cells at or below zero where no run can have one, and no shares.

    A missing number (NaN) passes, and so does the 0 at which a run begins to count: only what asks
    for the column needs more.
    Raises BadRuns, which names the rows and the values.
    """
    for symbol, values in columns.items():
        _refuse(symbol, values, np.isinf(values), rows, origin, "must be finite")
        if symbol in ABOVE_ZERO:
            _refuse(symbol, values, values <= 0, rows, origin, "must be above zero")
        if symbol in COUNTED:
            _refuse(symbol, values, values < 0, rows, origin, _BELOW)
        if symbol in FROM_ZERO:
            wrong = ~(is_share(symbol, values) | np.isnan(values))
            _refuse(symbol, values, wrong, rows, origin, "must lie between 0 and 1")


def require(
    columns: Mapping[str, Numbers],
    rows: Integers,
    origin: str,
    symbols: Iterable[str],
    positive: bool | Collection[str],
    absent: Callable[[str], str],
) -> None:
    """Refuse a table that lacks one of these columns, or holds a cell in it that cannot be used.

    `positive` says which of them must be above zero, all of them or none if it is a bool; `absent`
    says of one that is not there what would make it.
    Raises BadRuns, which says what would make the column, or names the rows of all that are at
    fault, and one condition that leaves them out.
    """
    faults: list[_CellFault] = []
    for symbol in symbols:
        if symbol not in columns:
            raise BadRuns(f"{_of(origin)}{absent(symbol)}")
        values = columns[symbol]
        is_positive = positive if isinstance(positive, bool) else symbol in positive
        checks = [(np.isnan(values), "is missing"), (~np.isfinite(values), "must be finite")]
        checks += [(values <= 0, "must be above zero")] if is_positive else []
        faults += [_CellFault(symbol, values, bad, why) for bad, why in checks if bad.any()][:1]
    _refuse_all(faults, rows, origin)


def no_column(
    symbol: str,
    columns: Collection[str],
    unread: Collection[str],
    formulas: Mapping[str, str] | None = None,
) -> str:
    """Return the sentence about a column that is not there: what may be it, what would make it.

    `formulas` are those by which columns that were left out would make quantities.
    """
    meaning = quantity(symbol).meaning if symbol in QUANTITIES else "noise of the output"
    parts = [f"there is no column {symbol} ({meaning})"]
    formula = (formulas or {}).get(symbol, "")
    if formula:
        parts.append(f"--derive '{symbol}={formula}' makes it, if those columns are what they say")
    if (near := _near(symbol, unread)) and near not in formula:
        plain = all(c.isalnum() or c in "_./-" for c in near)
        option = f"{symbol}={near}" if plain else f"'{symbol}={near}'"
        parts.append(f"if {near!r} is it, say --columns {option}")
    for target, product, needed in _DERIVATIONS:
        if target == symbol and all(s in columns for s in needed):
            parts.append(f"--derive {target}={product} makes it")
            break
    listed = ", ".join(columns)
    parts.append(f"the columns are {listed}" if listed else "no column was recognised")
    return "; ".join(parts)


def _near(symbol: str, names: Collection[str]) -> str | None:
    """Return the column that most likely holds a quantity, going by its name."""
    for name in names:
        if name.lower() == symbol.lower():
            return name
    words = _WORDS.get(symbol, (symbol.lower(),) if len(symbol) > 2 else ())
    for name in names:
        if any(word in name.lower() for word in words):
            return name
    close = difflib.get_close_matches(symbol, names, 1, 0.75) if len(symbol) > 2 else []
    return close[0] if close else None


def _refuse(
    symbol: str, values: Numbers, bad: Mask, rows: Integers, origin: str, problem: str
) -> None:
    if bad.any():
        _refuse_all([_CellFault(symbol, values, bad, problem)], rows, origin)


@dataclass(frozen=True, eq=False)
class _CellFault:
    """The cells of a column that cannot be used (n,), and why."""

    symbol: str
    values: Numbers
    bad: Mask
    problem: str

    def sentence(self, rows: Integers) -> str:
        """Return what is wrong, with some of the values and the rows."""
        where = name_rows(rows[self.bad])
        values = np.unique(self.values[self.bad])
        examples = ", ".join(f"{v:g}" for v in values[:3]) + (", ..." if len(values) > 3 else "")
        detail = f" in {where}" if self.problem == "is missing" else f": {examples} in {where}"
        counts = f"{self.bad.sum():,} of {self.bad.size:,} runs"
        return f"{self.symbol} {self.problem}{detail} ({counts})"

    @property
    def condition(self) -> str:
        """The condition that the other rows meet."""
        if np.isposinf(self.values[self.bad]).any():
            return f"{self.symbol} < 1e300"
        return f"{self.symbol} >= 0" if self.problem == _BELOW else f"{self.symbol} > 0"


def _refuse_all(faults: Sequence[_CellFault], rows: Integers, origin: str) -> None:
    """Refuse all that is wrong at once, with one condition that leaves it out."""
    if not faults:
        return
    sentences = " and ".join(fault.sentence(rows) for fault in faults)
    condition = " and ".join(fault.condition for fault in faults)
    is_all = bool(np.any([fault.bad for fault in faults], axis=0).all())
    rest = "" if is_all else f", or leave such runs out: --where '{condition}'"
    raise BadRuns(f"{_of(origin)}{sentences}; correct the source{rest}")


def _of(origin: str) -> str:
    return f"{origin}: " if origin else ""
