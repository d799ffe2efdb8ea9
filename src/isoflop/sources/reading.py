"""`read`: any source of runs to `Runs`, with every remark and refusal on the way."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from isoflop.errors import BadRuns, ConventionMismatch, UnknownName, UsageError
from isoflop.expressions import Assignment, Condition, parse_assignment, parse_condition
from isoflop.quantities import QUANTITIES
from isoflop.runs import CONVENTIONS, LABELS, SYMBOLS, Runs, refuse_impossible
from isoflop.runs.cells import Numbers, name_rows
from isoflop.sources.cells import Source, codes, numbers, texts
from isoflop.sources.files import read_file
from isoflop.sources.frames import from_frame, from_mapping, from_runs
from isoflop.sources.naming import Naming, recognise
from isoflop.sources.packaged import PREFIX, from_sample
from isoflop.sources.studies import from_study

# A path, sample:NAME, a study folder, a data frame, a mapping of arrays, or Runs.
Readable: TypeAlias = Any

_LONGEST_LABEL = 500
# A column that has one of these names and holds no number at all is something else, such as the
# traceback of a run that failed; with any other symbol for a name, text is refused.
_OFTEN_TEXT = frozenset({"error", "k", "d", "R", "V", "x", "y", "batch", "bits"})


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
    a data frame, a mapping of arrays, or Runs. `columns` names source columns by symbol
    ({"N": "params"}); common names are recognised and noted. `derive` makes columns ("D=C/6N"),
    in turn; `where` then keeps the rows that meet a condition; both may use any column of the
    source. `conventions` ({"N": "total"}) and `units` ({"L": "bits/byte"}) say how columns are
    counted. Missing numbers are NaN.

    Raises BadRuns for what cannot be read or no run can hold, with the row numbers; UsageError
    for a request that cannot be met; ConventionMismatch if the source states another convention.
    """
    assignments = [parse_assignment(a) for a in ([derive] if isinstance(derive, str) else derive)]
    condition = parse_condition(where) if where else None
    given = _open(source)
    naming = recognise(
        tuple(given.columns), columns or {}, {a.symbol for a in assignments}, given.origin
    )
    table = _understood(given, naming)
    for assignment in assignments:
        table.derive(assignment)
    runs = table.runs(condition)
    refuse_impossible(runs.columns, runs.rows, runs.origin)
    said = {**table.conventions, **_agreed(table.conventions, conventions or {}, units or {}, runs)}
    return _in_nats(replace(runs, conventions=said))


def _open(source: Readable) -> Source:
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


@dataclass
class _Table:
    """Columns under way: understood, derived from one another, and not yet frozen."""

    given: Source
    numbers: dict[str, Numbers]
    labels: dict[str, Any]
    conventions: dict[str, str]
    notes: list[str]
    unread: tuple[str, ...]
    looked_up: dict[str, Any] = field(default_factory=dict)

    def scope(self, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return numbers and texts by name: those understood, and source columns in use."""
        for name in names:
            if name in self.given.columns and name not in {*self.numbers, *self.labels}:
                found, other = numbers(self.given.columns[name])
                cells = np.array(texts(self.given.columns[name])) if other.any() else found
                self.looked_up[name] = cells
        known = {**self.looked_up, **self.labels, **self.numbers}
        # An unused column stands here by its name alone, to be suggested for a misspelt one.
        known = {**dict.fromkeys(self.given.columns, np.zeros(1)), **known}
        kinds = {name: np.asarray(cells).dtype.kind for name, cells in known.items()}
        return (
            {name: cells for name, cells in known.items() if kinds[name] == "f"},
            {name: cells for name, cells in known.items() if kinds[name] == "U"},
        )

    def derive(self, assignment: Assignment) -> None:
        """Make, or replace, a column."""
        symbol = assignment.symbol
        made = assignment.values(*self.scope(assignment.names), len(self.given.rows))
        if symbol not in assignment.names:
            self.conventions.pop(symbol, None)
        self.numbers[symbol] = made
        self.notes.append(f"{symbol} was derived: {assignment.text.strip()}")

    def runs(self, condition: Condition | None) -> Runs:
        """Return the rows that meet the condition, with a note on those that repeat."""
        made = Runs(
            columns=self.numbers, labels=self.labels, origin=self.given.origin,
            rows=self.given.rows, unread=self.unread,
        )  # fmt: skip
        notes = [*self.given.notes, *self.notes]
        kept = np.ones(len(made), dtype=bool)
        if condition is not None:
            kept = condition.mask(*self.scope(condition.names), len(made))
            if not kept.any():
                raise BadRuns(
                    f"{made.origin}: none of {len(made):,} runs meets {condition.text.strip()!r}"
                )
            notes.append(
                f"{kept.sum():,} of {kept.size:,} runs meet {condition.text.strip()!r}; "
                "the others are left out"
            )
        if repeated := _repeated({**self.given.columns, **self.numbers}, kept):
            rows = made.rows[repeated]
            notes.append(f"exact duplicates, all kept: {name_rows(rows)}")
        return replace(made.select(kept), notes=tuple(notes))


def _understood(given: Source, naming: Naming) -> _Table:
    """Return the columns of a source as numbers and labels, with a note on every guess."""
    found: dict[str, Numbers] = {}
    conventions, notes = dict(given.conventions), []
    symbols = {}
    for symbol, name in naming.symbols.items():
        values, other = numbers(given.columns[name])
        lenient = symbol in naming.guessed or (symbol == name and symbol in _OFTEN_TEXT)
        if other.any() and lenient and np.isnan(values).all():
            continue
        if other.any():
            _refuse_text(given, symbol, name, other)
        found[symbol], symbols[symbol] = values, name
        if symbol in naming.guessed:
            counted = naming.conventions.get(symbol)
            notes.append(f"column {name!r} read as {symbol}" + (f" ({counted})" if counted else ""))
            if counted:
                conventions.setdefault(symbol, counted)
    labels = {label: _labels(given, label, name) for label, name in naming.labels.items()}
    notes += [f"column {naming.labels[k]!r} read as {k}" for k in labels if k in naming.guessed]
    unread = replace(naming, symbols=symbols).unread(given.columns)
    if unread:
        notes.append(f"columns left out: {_shortened(unread)}")
    return _Table(given, found, labels, conventions, notes, unread)


def _refuse_text(given: Source, symbol: str, name: str, other: Any) -> None:
    seen = list(dict.fromkeys(np.array(texts(given.columns[name]), dtype=object)[other]))
    said = ", ".join(repr(text[:40]) for text in seen[:3]) + (", ..." if len(seen) > 3 else "")
    column = f"column {name!r}" + ("" if symbol == name else f" (read as {symbol})")
    raise BadRuns(
        f"{given.origin}: {column} holds text that is no number: {said} in "
        f"{name_rows(given.rows[other])}; write numbers like 70e9 or 70B, and leave a cell empty "
        "where one is missing"
    )


def _labels(given: Source, label: str, name: str) -> Any:
    found = texts(given.columns[name])
    if (longest := max(map(len, found))) > _LONGEST_LABEL:
        row = given.rows[[len(text) for text in found].index(longest)]
        raise BadRuns(
            f"{given.origin}: column {name!r} (read as the label {label}) holds a text of "
            f"{longest:,} characters in row {row}; rename that column, or shorten it"
        )
    return np.array(found, dtype=np.str_)


def _shortened(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more


def _repeated(columns: Mapping[str, Any], kept: Any) -> list[int]:
    """Return the kept rows that equal another kept row in every column (k,)."""
    rows, group = np.flatnonzero(kept), np.zeros(int(kept.sum()), dtype=np.int64)
    for cells in columns.values():
        if not rows.size:
            break
        code = codes(cells)[rows]
        pair = group * (int(code.max()) + 2) + code + 1
        group, counts = np.unique(pair, return_inverse=True, return_counts=True)[1:]
        alike = counts[group] > 1
        rows, group = rows[alike], group[alike]
    return [int(row) for row in rows]


def _agreed(
    stated: Mapping[str, str], conventions: Mapping[str, str], units: Mapping[str, str], runs: Runs
) -> dict[str, str]:
    """Return what the user says of columns, held against the source and against itself."""
    for symbol, said in [*conventions.items(), *units.items()]:
        if symbol not in SYMBOLS:
            raise UnknownName("quantity", symbol, SYMBOLS)
        if symbol not in runs:
            raise UsageError(f"{symbol} is said to be {said}, and there is no column {symbol}")
    for symbol, said in conventions.items():
        if symbol in CONVENTIONS and said not in CONVENTIONS[symbol]:
            raise UnknownName(f"convention of {symbol}", said, CONVENTIONS[symbol])
    for symbol, unit in units.items():
        if symbol in CONVENTIONS and unit != QUANTITIES[symbol].unit:
            own = QUANTITIES[symbol].unit
            raise UsageError(f"{symbol} is needed in {own}, not {unit}; convert it: {_how(symbol)}")
    said = {**conventions, **{s: u for s, u in units.items() if s not in CONVENTIONS}}
    for symbol, value in said.items():
        for other in (stated.get(symbol), conventions.get(symbol)):
            if other not in (None, value):
                raise ConventionMismatch(
                    f"{symbol} is said to be {value}, and {runs.origin or 'the call'} says {other}"
                )
    return said


def _how(symbol: str) -> str:
    return f"--derive {symbol}={symbol}*1e6, if it is in millions"


def _in_nats(runs: Runs) -> Runs:
    """Return the runs with a loss in bits/token converted to nats/token."""
    if runs.conventions.get("L") != "bits/token" or "L" not in runs:
        return runs
    scaled = {s: runs[s] * math.log(2) for s in ("L", "sigma") if s in runs}
    return replace(
        runs,
        columns={**runs.columns, **scaled},
        conventions={**runs.conventions, "L": "nats/token"},
        notes=(*runs.notes, f"{' and '.join(scaled)} converted from bits/token to nats/token"),
    )


__all__ = ["LABELS", "read"]
