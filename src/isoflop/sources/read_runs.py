"""`read`: any source of runs to `Runs`, with every remark and refusal on the way."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import numpy as np

from isoflop.arrays import Integers, Mask, Numbers
from isoflop.errors import BadRuns, ConventionMismatch, Note, UnknownName, UsageError
from isoflop.expressions import Assignment, Condition, parse_assignment, parse_condition
from isoflop.quantities import QUANTITIES
from isoflop.runs import CONVENTIONS, SYMBOLS, Runs, refuse_impossible
from isoflop.runs.cells import name_rows, no_column
from isoflop.runs.table import ROW, Texts
from isoflop.sources.cells import Cells, CellTable, codes, numbers, texts
from isoflop.sources.files import read_file
from isoflop.sources.frames import from_frame, from_mapping, from_runs
from isoflop.sources.logged_run import SYMBOLS as LOGGED
from isoflop.sources.naming import Naming, recognise
from isoflop.sources.packaged import PREFIX, from_sample
from isoflop.sources.read_logged import runs_table
from isoflop.sources.studies import CATALOGUE, from_study
from isoflop.sources.training_logs.read_logs import is_log

# A path, sample:NAME, a study folder, a data frame, a mapping of arrays, or Runs.
Readable: TypeAlias = Any

_LONGEST_LABEL = 500
# A column that has one of these names and holds no number at all is something else, such as the
# traceback of a run that failed; with any other symbol for a name, text is refused.
_OFTEN_TEXT = frozenset(
    {"error", "k", "d", "R", "V", "x", "y", "batch", "bits", "group", "start", "truncated"}
)


def read(
    source: Readable,
    *,
    columns: Mapping[str, str] | None = None,
    derive: str | Iterable[str] = (),
    where: str | None = None,
    conventions: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Runs:
    """Return the runs of a source, its columns named by the vocabulary.

    `source` is a path (CSV, TSV, Parquet, JSON lines, JSON list), a study folder, "sample:NAME",
    a data frame, a mapping of arrays, or Runs; or runs where they were logged: a log, a folder of
    logs, a tracker's store, or an address as "wandb:ENTITY/PROJECT". `columns` names source
    columns by symbol ({"N": "params"}); common names are recognised and noted. `derive` makes
    columns ("D=C/6N"), in turn; `where` then keeps the rows that meet a condition; both may use
    any column of the source, and `row`, its number there, where a header is row 1. `conventions`
    ({"N": "total"}) and `units` ({"L": "bits/byte"}) say how columns are counted. Missing numbers
    are NaN.

    Raises BadRuns for what cannot be read or no run can hold, with the row numbers; UsageError
    for a request that cannot be met; ConventionMismatch if the source states another convention.
    """
    assignments = [parse_assignment(a) for a in ([derive] if isinstance(derive, str) else derive)]
    condition = parse_condition(where) if where else None
    cells, names = _open(source, columns or {})
    naming = recognise(tuple(cells.columns), names, {a.symbol for a in assignments}, cells.origin)
    table = _understood(cells, naming)
    for assignment in assignments:
        table = table.derive(assignment)
    runs = table.runs(condition)
    refuse_impossible(runs.columns, runs.rows, runs.origin)
    return _in_nats(_agreed(runs, conventions or {}, units or {}))


def _open(source: Readable, columns: Mapping[str, str]) -> tuple[CellTable, Mapping[str, str]]:
    """Return a source, and which of its columns the user names by symbol."""
    if isinstance(source, str | os.PathLike) and not _is_study(source) and is_log(str(source)):
        table = runs_table(str(source), {k: v for k, v in columns.items() if k in LOGGED}).cells
        # What names a field of the log has been used: its column goes by the symbol.
        return table, {k: v for k, v in columns.items() if k not in table.columns}
    return _opened(source), columns


def _is_study(source: str | os.PathLike[str]) -> bool:
    path = Path(source)
    return str(source).startswith(PREFIX) or (_is_folder(path) and (path / CATALOGUE).is_file())


def _opened(source: Readable) -> CellTable:
    if isinstance(source, Runs):
        return from_runs(source)
    if isinstance(source, str) and source.startswith(PREFIX):
        return from_sample(source.removeprefix(PREFIX))
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return from_study(path) if _is_folder(path) else read_file(path)
    return from_mapping(source) if isinstance(source, Mapping) else from_frame(source)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # not a name that a file could have; the reader says so
        return False


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a source on their way to `Runs`: understood, and derived."""

    given: CellTable
    numbers: Mapping[str, Numbers]
    labels: Mapping[str, Texts]
    conventions: Mapping[str, str]
    notes: tuple[Note, ...]
    unread: tuple[str, ...]

    def scope(self, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return numbers and texts by name: those understood, and any source column in use."""
        # A column that is not in use is here for its name, to be suggested for a misspelt one.
        columns: dict[str, Any] = dict.fromkeys(self.given.columns, np.zeros(1))
        for name in set(names) & set(columns):
            values, other = numbers(self.given.columns[name])
            columns[name] = np.array(texts(self.given.columns[name])) if other.any() else values
        columns.setdefault(ROW, self.given.rows.astype(np.float64))
        columns |= {**self.labels, **self.numbers}
        kinds = {name: cells.dtype.kind for name, cells in columns.items()}
        return (
            {name: cells for name, cells in columns.items() if kinds[name] == "f"},
            {name: cells for name, cells in columns.items() if kinds[name] == "U"},
        )

    def derive(self, assignment: Assignment) -> _Table:
        """Return the table with a column made, or replaced."""
        symbol = assignment.symbol
        values = assignment.values(*self.scope(assignment.names), len(self.given.rows))
        is_update = symbol in assignment.names
        return replace(
            self,
            numbers={**self.numbers, symbol: values},
            conventions={s: c for s, c in self.conventions.items() if is_update or s != symbol},
            notes=(
                *self.notes,
                Note(
                    "info",
                    "derived",
                    f"{symbol} was derived: {assignment.text.strip()}",
                    symbol=symbol,
                ),
            ),
        )

    def runs(self, condition: Condition | None) -> Runs:
        """Return the rows that meet the condition, with a note on those that repeat."""
        if not (self.numbers or self.labels or not self.unread):
            raise BadRuns(
                f"{self.given.origin}: no column is recognised among {_shortened(self.unread)}; "
                "name them, such as --columns N=COLUMN"
            )
        runs = Runs(
            columns=self.numbers,
            labels=self.labels,
            conventions=self.conventions,
            origin=self.given.origin,
            rows=self.given.rows,
            unread=self.unread,
            dropped=self.given.dropped,
        )
        notes = (*self.given.notes, *self.notes)
        mask, reason = np.ones(len(runs), dtype=bool), ""
        if condition is not None:
            mask = condition.mask(*self.scope(condition.names), len(runs))
            text = repr(condition.text.strip())
            if not mask.any():
                raise BadRuns(f"{runs.origin}: none of {len(runs):,} runs meets {text}")
            words = f"{mask.sum():,} of {mask.size:,} runs meet {text}; the others are left out"
            notes += (Note("info", "dropped", words),)
            reason = f"does not meet {text}"
        others = {name: self.given.columns[name] for name in self.unread}
        repeated = _repeated(
            [*self.numbers.values(), *self.labels.values(), *others.values()], mask
        )
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


def _understood(source: CellTable, naming: Naming) -> _Table:
    """Return the columns of a source as numbers and labels, with a note on every guess."""
    columns: dict[str, Numbers] = {}
    conventions, notes = dict(source.conventions), []
    for symbol, name in naming.symbols.items():
        values, other = numbers(source.columns[name])
        lenient = symbol in naming.guessed or (symbol == name and symbol in _OFTEN_TEXT)
        if other.any() and not (lenient and np.isnan(values).all()):
            _refuse_text(source, symbol, name, other)
        if other.any():
            continue
        columns[symbol] = values
        if symbol in naming.guessed:
            counted = naming.conventions.get(symbol)
            notes.append(
                Note(
                    "info",
                    "column",
                    f"column {name!r} read as {symbol}" + (f" ({counted})" if counted else ""),
                    symbol=symbol,
                )
            )
            conventions |= {symbol: conventions.get(symbol, counted)} if counted else {}
    labels = {label: _labels(source, label, name) for label, name in naming.labels.items()}
    notes += [
        Note("info", "column", f"column {naming.labels[k]!r} read as {k}", symbol=k)
        for k in labels
        if k in naming.guessed
    ]
    used = {*(naming.symbols[s] for s in columns), *naming.labels.values()}
    unread = tuple(name for name in source.columns if name not in used)
    if unread:
        notes.append(Note("info", "columns", f"columns left out: {_shortened(unread)}"))
    return _Table(source, columns, labels, conventions, tuple(notes), unread)


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


def _shortened(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more


def _repeated(columns: Iterable[Cells], mask: Mask) -> Integers:
    """Return which of the kept rows equal another one in every column (k,)."""
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


def _agreed(runs: Runs, conventions: Mapping[str, str], units: Mapping[str, str]) -> Runs:
    """Return the runs with what the user says of their columns, which the source may not deny."""
    for kind, statements in (("convention", conventions), ("unit", units)):
        for symbol, value in statements.items():
            _check_stated(kind, symbol, value, runs)
    agreed = dict(runs.conventions)
    unit_pairs = [(symbol, unit) for symbol, unit in units.items() if symbol not in CONVENTIONS]
    for symbol, value in [*unit_pairs, *conventions.items()]:
        if agreed.setdefault(symbol, value) != value:
            raise ConventionMismatch(
                f"{symbol} is said to be {value}, and {runs.origin} or the same call says "
                f"{agreed[symbol]}; say one of them"
            )
    return replace(runs, conventions=agreed)


def _check_stated(kind: str, symbol: str, value: str, runs: Runs) -> None:
    """Refuse a statement about no column, or one that is not known for its column."""
    if symbol not in SYMBOLS:
        raise UnknownName("quantity", symbol, SYMBOLS)
    if symbol not in runs:
        raise UsageError(
            f"{symbol} is said to be {value}; {no_column(symbol, runs.columns, runs.unread)}"
        )
    conventions = CONVENTIONS.get(symbol)
    if conventions and kind == "convention" and value not in conventions:
        raise UnknownName(f"convention of {symbol}", value, conventions)
    if conventions and kind == "unit" and value != QUANTITIES[symbol].unit:
        raise UsageError(
            f"{symbol} is needed in {QUANTITIES[symbol].unit}, not {value}; convert it: "
            f"--derive {symbol}={symbol}*1e6, if it is in millions"
        )


def _in_nats(runs: Runs) -> Runs:
    """Return the runs with a loss in bits/token converted to nats/token."""
    if runs.conventions.get("L") != "bits/token" or "L" not in runs:
        return runs
    scaled = {s: runs[s] * math.log(2) for s in ("L", "sigma") if s in runs}
    return replace(
        runs,
        columns={**runs.columns, **scaled},
        conventions={**runs.conventions, "L": "nats/token"},
        notes=(
            *runs.notes,
            Note(
                "info", "units", f"{' and '.join(scaled)} converted from bits/token to nats/token"
            ),
        ),
    )
