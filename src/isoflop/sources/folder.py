"""A folder of tables: each is read by itself, and their runs stand one under the other."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from isoflop.errors import BadRuns, Note, amount
from isoflop.runs import Runs
from isoflop.sources.files import is_table

SHOWN = 3  # files left out whose reason is told
PROSE = (".md", ".txt", ".dat")  # that are more often notes than tables, where nobody names them


def tables_in(folder: Path) -> tuple[Path, ...]:
    """Return the tables that lie in a folder, by name; hidden files are none."""
    try:
        files = sorted(p for p in folder.iterdir() if p.is_file() and is_table(p))
    except OSError as reason:
        raise BadRuns(f"cannot read {folder}: {(reason.strerror or str(reason)).lower()}") from None
    names = (p for p in files if not p.name.startswith((".", "~$")))
    return tuple(p for p in names if p.suffix.lower() not in PROSE)


def read_folder(folder: Path, files: Sequence[Path], read: Callable[[Path], Runs]) -> Runs:
    """Return the runs of all tables; one that cannot be read is left out, and named.

    Where each file is a course of one run, the name of the file is the label `run`.

    Raises BadRuns where none can be read, ConventionMismatch where they count differently.
    """
    tables: list[Runs] = []
    failures: list[BadRuns] = []
    for path in files:
        try:
            tables.append(read(path))
        except BadRuns as failure:
            failures.append(failure)
    if not tables:
        raise failures[0]
    if all(map(_is_course, tables)):
        tables = [_labelled(table) for table in tables]
    runs = functools.reduce(operator.add, tables)
    names = ", ".join(table.origin for table in tables[:8])
    text = f"{amount(len(tables), 'table', 'tables')} of {folder}: {names}"
    notes = [Note("info", "folder", text)]
    if failures:
        reasons = "; ".join(str(failure) for failure in failures[:SHOWN])
        text = f"{amount(len(failures), 'file', 'files')} could not be read: {reasons}"
        notes.append(Note("doubt", "folder", text))
    return replace(runs, origin=str(folder), notes=(*notes, *runs.notes))


def _is_course(table: Runs) -> bool:
    """Return whether a table, which names no runs, is of one size with more and more data."""
    if "run" in table.labels or "N" not in table or len(table) < 2:
        return False
    course = next((table[s] for s in ("D", "steps", "C") if s in table), None)
    return np.ptp(table["N"]) == 0 and course is not None and np.unique(course).size == len(table)


def _labelled(table: Runs) -> Runs:
    name = Path(table.origin).name.split(".")[0]
    return replace(table, labels={**table.labels, "run": np.full(len(table), name)})
