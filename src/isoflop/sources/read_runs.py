"""`read`: any source of runs to `Runs`, with every remark and refusal on the way."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from isoflop.errors import ConventionMismatch, Note, UnknownName, UsageError
from isoflop.expressions import parse_assignment, parse_condition
from isoflop.runs import CONVENTIONS, SYMBOLS, Runs, refuse_impossible
from isoflop.sources.cells import CellTable
from isoflop.sources.columns import SourceColumns
from isoflop.sources.files import read_file
from isoflop.sources.folder import read_folder, tables_in
from isoflop.sources.frames import from_frame, from_mapping, from_runs
from isoflop.sources.logged_run import SYMBOLS as LOGGED
from isoflop.sources.naming import recognise
from isoflop.sources.packaged import PREFIX, from_sample
from isoflop.sources.read_logged import runs_table
from isoflop.sources.studies import CATALOGUE, from_study
from isoflop.sources.table import understood
from isoflop.sources.training_logs.read_logs import is_log
from isoflop.sources.units import Unit, stated_unit

# A path, sample:NAME, a study folder, a data frame, a mapping of arrays, or Runs.
Readable: TypeAlias = Any


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

    `source` is a path (a text table, Excel, Parquet, JSON or JSON lines, packed or not), a folder
    of these, a study folder, "sample:NAME", a data frame, a mapping of arrays, or Runs; or runs
    where they were logged: a log, a folder of logs, a tracker's store, or an address as
    "wandb:ENTITY/PROJECT". `columns` names source columns by symbol ({"N": "params"}); common
    names are recognised and noted. `derive` makes columns ("D=C/6N"), in turn; `where` then keeps
    the rows that meet a condition; both may use any column of the source, and `row`, its number
    there. `conventions` ({"N": "total"}) and `units` ({"L": "bits/byte"}) say how columns are
    counted or written: a unit may be K, M, B, T, 1e21, PF-days, ppl, %, decimal-comma and the
    like. What was taken for what is `Runs.reading`; what cannot be right is `Runs.doubts`.
    Missing numbers are NaN.

    Raises BadRuns for what cannot be read or no run can hold, with the row numbers; UsageError
    for a request that cannot be met; ConventionMismatch if the source states another convention.
    """
    one = functools.partial(
        _read_one,
        columns=columns or {},
        formulas=[derive] if isinstance(derive, str) else list(derive),
        where=where,
        conventions=conventions or {},
        units=units or {},
    )
    files = _tables(source)
    return read_folder(Path(source), files, one) if files else one(source)


def _read_one(
    source: Readable,
    *,
    columns: Mapping[str, str],
    formulas: Sequence[str],
    where: str | None,
    conventions: Mapping[str, str],
    units: Mapping[str, str],
) -> Runs:
    """Return the runs of one table, or of one source of logs."""
    assignments = [parse_assignment(formula) for formula in formulas]
    condition = parse_condition(where) if where else None
    derived = {a.symbol for a in assignments}
    statements = {s: stated_unit(s, text) for s, text in units.items() if s in SYMBOLS}
    cells, names = _open(source, columns)
    columns_of = SourceColumns(cells, units)
    table = understood(columns_of, recognise(columns_of, names, derived))
    for assignment in assignments:
        table = table.derive(assignment)
    runs = table.runs(condition)
    if isinstance(source, Runs) and source.reading is not None:
        runs = replace(runs, reading=source.reading)
    refuse_impossible(runs.columns, runs.rows, runs.origin)
    for symbol in derived:
        _refuse_scaled(symbol, statements.get(symbol, (None, None))[0])
    texts = {s: _as_convention(text, *statements.get(s, (None, None))) for s, text in units.items()}
    runs = _in_nats(_agreed(runs, conventions, texts))
    runs.refuse_implausible()
    return runs


def _refuse_scaled(symbol: str, unit: Unit | None) -> None:
    """Refuse a scale for a column that a formula makes."""
    if unit is not None and (unit.factor != 1 or unit.logarithm):
        raise UsageError(
            f"{symbol} is derived, and --unit {symbol}={unit.text} says how a column is written; "
            "write the factor into the formula"
        )


def _as_convention(text: str, unit: Unit | None, marks: str | None) -> str:
    """Return what a statement of a unit leaves to be said of a quantity once it is applied."""
    if unit is not None:
        return unit.loss or ""
    return "" if marks else text


def _open(source: Readable, columns: Mapping[str, str]) -> tuple[CellTable, Mapping[str, str]]:
    """Return a source, and which of its columns the user names by symbol."""
    if isinstance(source, str | os.PathLike) and not _is_study(source) and is_log(str(source)):
        table = runs_table(str(source), {k: v for k, v in columns.items() if k in LOGGED}).cells
        # What names a field of the log has been used: its column goes by the symbol.
        return table, {k: v for k, v in columns.items() if k not in table.columns}
    return _opened(source), columns


def _tables(source: Readable) -> tuple[Path, ...]:
    """Return the tables of a folder that is neither a study nor one of logs."""
    if not isinstance(source, str | os.PathLike) or not _is_folder(Path(source)):
        return ()
    if _is_study(source) or is_log(str(source)):
        return ()
    return tables_in(Path(source))


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


def _agreed(runs: Runs, conventions: Mapping[str, str], units: Mapping[str, str]) -> Runs:
    """Return the runs with what the user says of their columns, which the source may not deny."""
    for kind, statements in (("convention", conventions), ("unit", units)):
        for symbol, value in statements.items():
            _check_stated(kind, symbol, value, runs)
    agreed = dict(runs.conventions)
    unit_pairs = [(s, unit) for s, unit in units.items() if unit and s not in CONVENTIONS]
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
        stated = f" to be {value}" if value else " to be in a unit"
        raise UsageError(f"{symbol} is said{stated}; {runs.absence(symbol)}")
    names = CONVENTIONS.get(symbol)
    if names and kind == "convention" and value not in names:
        raise UnknownName(f"convention of {symbol}", value, names)


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
