"""The table itself: frozen columns of numbers, labels, and how they are counted."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.errors import BadRuns, Note, UnknownName, UsageError, brief, suggest
from isoflop.expressions import parse_assignment, parse_condition
from isoflop.quantities import show
from isoflop.report.display import Displayed
from isoflop.runs import plausibility, saving
from isoflop.runs.cells import LABELS, SYMBOLS, name_rows, no_column, require
from isoflop.runs.conventions import refuse_clash, refuse_unknown
from isoflop.runs.interpretation import Reading
from isoflop.runs.omission import Omission

Texts: TypeAlias = npt.NDArray[np.str_]
ROW = "row"  # what a condition calls the number of a row in its source
Index: TypeAlias = slice | npt.NDArray[Any] | list[bool] | list[int]


@dataclass(frozen=True, eq=False)
class Runs(Displayed):
    """An immutable table of n observations.

    `columns` holds the numbers (n,) by symbol of the vocabulary, plus an optional `sigma`, the
    noise of the predicted quantity; a missing number is NaN. `labels` holds texts (n,): run,
    family, seed; a missing one is "". `conventions` says how a column is counted or in which
    unit it is; a symbol that is absent is unstated. `rows` numbers the rows of the source, where
    a header is row 1. `notes` are remarks for the reader, `unread` the columns that were left out
    and `dropped` the rows that were, with the reason. `reading` says which column of a source was
    taken for what, in which unit; it is None where there was no source.
    """

    columns: Mapping[str, Numbers]
    labels: Mapping[str, Texts] = field(default_factory=dict)
    conventions: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    rows: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    notes: tuple[Note, ...] = ()
    unread: tuple[str, ...] = ()
    dropped: tuple[Omission, ...] = ()
    reading: Reading | None = None

    def __post_init__(self) -> None:
        """Take copies that cannot be written, and refuse columns that do not make a table."""
        columns = {_known(k, SYMBOLS, "quantity"): _numbers(k, v) for k, v in self.columns.items()}
        labels = {_known(k, LABELS, "label"): _texts(k, v) for k, v in self.labels.items()}
        counts = {name: len(v) for name, v in (columns | labels).items()}
        count = next(iter(counts.values()), 0)
        if len(set(counts.values())) > 1:
            raise BadRuns(
                f"columns differ in length: {', '.join(f'{k} {n}' for k, n in counts.items())}"
            )
        rows = np.array(self.rows if len(self.rows) else np.arange(2, count + 2), dtype=np.int64)
        if rows.shape != (count,):
            raise BadRuns(f"{count} runs have {rows.size} row numbers")
        rows.flags.writeable = False
        refuse_unknown(self.conventions, self.origin)
        for name, value in (("columns", columns), ("labels", labels)):
            object.__setattr__(self, name, MappingProxyType(value))
        object.__setattr__(self, "conventions", MappingProxyType(dict(self.conventions)))
        object.__setattr__(self, "rows", rows)

    def __reduce__(self) -> tuple[type[Runs], tuple[Any, ...]]:
        values = (getattr(self, f.name) for f in dataclasses.fields(self))
        return Runs, tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    def _facts(self) -> Iterator[str]:
        yield f"{len(self):,} runs of {brief(self.origin or 'unnamed origin')[1:-1]}"
        for symbol, values in self.columns.items():
            finite = values[np.isfinite(values)]
            ends = dict.fromkeys(map(show, (finite.min(), finite.max()))) if finite.size else ("-",)
            yield f"{symbol}={' to '.join(ends)}"
        yield from self.labels

    def __len__(self) -> int:
        return int(self.rows.size)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.columns

    @overload
    def __getitem__(self, key: str) -> Numbers: ...
    @overload
    def __getitem__(self, key: Index) -> Runs: ...
    def __getitem__(self, key: str | Index) -> Numbers | Runs:
        """Return a column by its symbol, or the runs of a mask, of row indices or of a slice.

        Raises BadRuns for a column that is not there.
        """
        if not isinstance(key, str):
            return self.select(key)
        if key not in self.columns:
            raise BadRuns(self.absence(key))
        return self.columns[key]

    def select(self, index: Index) -> Runs:
        """Return the runs of a mask (n,), of indices (k,) or of a slice."""
        chosen = index if isinstance(index, slice) else np.asarray(index)
        if not isinstance(chosen, slice) and chosen.dtype == bool and chosen.shape != (len(self),):
            raise UsageError(f"a mask of shape {chosen.shape} cannot select from {len(self)} runs")
        return dataclasses.replace(
            self,
            columns={s: v[chosen] for s, v in self.columns.items()},
            labels={s: v[chosen] for s, v in self.labels.items()},
            rows=self.rows[chosen],
        )

    def keep(self, mask: npt.NDArray[np.bool_], reason: str) -> Runs:
        """Return the runs of a mask (n,); the others are `dropped`, with the reason."""
        omissions = () if mask.all() else (Omission(tuple(self.rows[~mask].tolist()), reason),)
        return dataclasses.replace(self.select(mask), dropped=(*self.dropped, *omissions))

    def where(self, condition: str | Index) -> Runs:
        """Return the runs for which a condition such as "C < 1e21" holds, or those of a mask.

        Raises UsageError for a condition that cannot be read, BadRuns if no run meets it.
        """
        if not isinstance(condition, str):
            return self.select(condition)
        parsed = parse_condition(condition)
        numbers = {ROW: self.rows.astype(np.float64), **self.columns}
        mask = parsed.mask(numbers, self.labels, len(self))
        if not mask.any():
            raise BadRuns(
                f"none of {len(self):,} runs meets {condition!r}{self._ranges(parsed.names)}"
            )
        return self.keep(mask, f"does not meet {condition.strip()!r}")

    def derive(self, assignment: str) -> Runs:
        """Return the runs with a column made, or replaced, by an assignment such as "D=C/6N".

        A column that is replaced without being used in the formula loses its convention.
        Raises UsageError for an assignment that cannot be read.
        """
        parsed = parse_assignment(assignment)
        values = parsed.values(self.columns, self.labels, len(self))
        conventions = {
            s: c for s, c in self.conventions.items() if s != parsed.symbol or s in parsed.names
        }
        return dataclasses.replace(
            self,
            columns={**self.columns, parsed.symbol: values},
            conventions=conventions,
            notes=(
                *self.notes,
                Note(
                    "info",
                    "derived",
                    f"{parsed.symbol} was derived: {parsed.text.strip()}",
                    symbol=parsed.symbol,
                ),
            ),
        )

    def __add__(self, other: Runs) -> Runs:
        """Return both tables, one under the other; a column that one lacks is missing there.

        Raises ConventionMismatch if a shared column is counted differently, or stated once.
        """
        if not isinstance(other, Runs):
            return NotImplemented
        names = (self.origin or "the first runs", other.origin or "the second runs")
        shared = [s for s in self.columns if s in other.columns]
        refuse_clash(self.conventions, other.conventions, shared, names)
        notes = [*self.notes, *(n for n in other.notes if n not in self.notes)]
        for has, lacks, who in ((self, other, names[1]), (other, self, names[0])):
            if missing := [s for s in has.columns if s not in lacks.columns]:
                notes.append(Note("info", "missing", f"{', '.join(missing)} is missing in {who}"))
        return Runs(
            columns=_stacked(self.columns, other.columns, len(self), len(other), np.nan),
            labels=_stacked(self.labels, other.labels, len(self), len(other), ""),
            conventions={**other.conventions, **self.conventions},
            origin=" + ".join(dict.fromkeys(filter(None, (self.origin, other.origin)))),
            rows=np.concatenate([self.rows, other.rows]),
            notes=tuple(notes),
            unread=tuple(dict.fromkeys((*self.unread, *other.unread))),
            dropped=(*self.dropped, *other.dropped),
            reading=self.reading if self.reading == other.reading else None,
        )

    @property
    def likely(self) -> tuple[str, ...]:
        """The columns left out that hold numbers, which --columns may name."""
        return self.unread if self.reading is None else self.reading.likely

    def absence(self, symbol: str) -> str:
        """Return the sentence about a column that is not there, and what would make it."""
        formulas = self.reading.formulas if self.reading else {}
        shape = "".join(f"; {note.text}" for note in self.notes if note.topic == "shape")
        return no_column(symbol, self.columns, self.likely, formulas) + shape

    @functools.cached_property
    def doubts(self) -> tuple[Note, ...]:
        """What cannot be right in these numbers, or in where they come from; see `plausibility`."""
        return plausibility.doubts(
            self.columns, self.labels, self.conventions, self.rows, self.reading
        )

    def refuse_implausible(self) -> None:
        """Raise BadRuns for numbers that cannot be right, as C that is 1e12 times off 6ND."""
        plausibility.refuse(self.columns, self.reading)

    def doubts_of(self, symbols: Iterable[str]) -> tuple[Note, ...]:
        """Return the doubts that bear on an analysis of these quantities.

        C is held against 6ND, so a doubt of it bears on N and D too.
        """
        names = {*symbols, ""}
        if names & {"N", "D"}:
            names.add("C")
        return tuple(note for note in self.doubts if note.symbol in names)

    @property
    def digest(self) -> str:
        """The SHA-256 of the columns, labels and conventions, in hex; their order is no part."""
        total = hashlib.sha256(json.dumps(sorted(self.conventions.items())).encode())
        for symbol, values in sorted(self.columns.items()):
            # One NaN and one zero, whatever their bits were.
            plain = np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8")
            total.update(f"\n{symbol} {plain.size}\n".encode() + plain.tobytes())
        for name, texts in sorted(self.labels.items()):
            total.update(f"\n{name}\n{json.dumps(texts.tolist())}".encode())
        return total.hexdigest()

    def groups(self, name: str) -> npt.NDArray[Any]:
        """Return what tells groups apart (n,): a label, or a column such as a budget C.

        Raises BadRuns for a name that is neither, or where it is missing.
        """
        if name not in self.labels:
            self.require((name,), positive=False)
            return self.columns[name]
        if (missing := self.labels[name] == "").any():
            raise BadRuns(f"label {name} is missing in {name_rows(self.rows[missing])}")
        return self.labels[name]

    def require(
        self, symbols: str | Iterable[str], *, positive: bool | Collection[str] = True
    ) -> None:
        """Refuse runs that lack one of these columns, or a finite number above zero in each cell.

        `positive=False` lets numbers at and below zero pass; symbols name those that may not be.
        Raises BadRuns, which names the rows, or says what would make the column.
        """
        names = (symbols,) if isinstance(symbols, str) else tuple(symbols)
        for name in names:
            if name not in SYMBOLS:
                columns = [*self.columns, *self.labels]
                raise BadRuns(f"there is no column or label {name!r}; {suggest(name, columns)}")
        require(self.columns, self.rows, self.origin, names, positive, self.absence)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write columns, labels and conventions as .csv, .tsv, .jsonl, .ndjson or .parquet.

        Raises UsageError for another extension or an empty table, EnvironmentFailure if the
        disk fails; what was there is then kept.
        """
        if not len(self):
            raise UsageError(f"there are no runs to write to {path}")
        saving.save(self.columns, self.labels, self.conventions, path)

    def _ranges(self, names: Iterable[str]) -> str:
        parts = []
        for name in sorted(set(names) & set(self.columns)):
            if (finite := self.columns[name][np.isfinite(self.columns[name])]).size:
                parts.append(f"{name} lies between {finite.min():g} and {finite.max():g}")
        return "; " + ", ".join(parts) if parts else ""


def _known(name: str, names: tuple[str, ...], kind: str) -> str:
    if name not in names:
        raise UnknownName(kind, name, names)
    return name


def _numbers(name: str, values: object) -> Numbers:
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadRuns(f"column {name} does not hold numbers: {error}") from None
    return _frozen(name, numbers)


def _texts(name: str, values: object) -> Texts:
    return _frozen(name, np.array(values, dtype=np.str_))


def _frozen(name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.ndim != 1:
        raise BadRuns(f"column {name} has shape {values.shape}; it must be a list of numbers")
    values.flags.writeable = False
    return values


def _stacked(
    first: Mapping[str, npt.NDArray[Any]],
    second: Mapping[str, npt.NDArray[Any]],
    count: int,
    other: int,
    missing: float | str,
) -> dict[str, npt.NDArray[Any]]:
    return {
        name: np.concatenate(
            [
                first.get(name, np.full(count, missing)),
                second.get(name, np.full(other, missing)),
            ]
        )
        for name in {**first, **second}
    }
