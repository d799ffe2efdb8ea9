"""Tables of counts: a row a problem, with how many samples of it were tried and how many right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from isoflop.errors import BadRuns
from isoflop.samples.sample_table import Counts

HEAD = 65_536  # characters, in which the names of fields stand
USUAL = {
    "solved": ("solved", "num_correct", "num. samples correct", "successes"),
    "tried": ("tried", "num_samples", "num. samples total", "attempts"),
    "problem": ("problem", "problem_id", "problem idx", "task_id", "question_id", "id"),
}


def count_fields(names: Collection[str], columns: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return which fields hold solved, tried and, if any does, the problem; None for no counts."""
    folded = {name.lower(): name for name in names}
    fields = {
        what: columns.get(what) or next((folded[u] for u in usual if u in folded), None)
        for what, usual in USUAL.items()
    }
    if not {fields["solved"], fields["tried"]} <= set(names):
        return None
    return {what: name for what, name in fields.items() if name is not None}


def read_counts(path: Path, columns: Mapping[str, str]) -> Counts | None:
    """Return the counts of a table with fields for solved and tried, None for any other file.

    Raises BadRuns for cells that are no counts.
    """
    if path.suffix.lower() not in (".csv", ".tsv", ".parquet", ".jsonl") or not path.is_file():
        return None
    from isoflop.sources.files import read_file

    if not _may_hold_counts(path, columns):
        return None  # a log of samples may be far larger than a table of counts
    try:
        table = read_file(path)
    except BadRuns:
        return None  # a log that is no table says for itself what is wrong with it
    named = count_fields(table.columns, columns)
    if named is None:
        return None
    cells = {what: list(table.columns[name]) for what, name in named.items()}
    solved, attempts = _counts(cells["solved"], path), _counts(cells["tried"], path)
    names = cells.get("problem") or list(range(len(solved)))
    problems = tuple(str(_plain(name)) for name in names)
    if len(set(problems)) < len(problems):
        ((twice, _),) = Counter(problems).most_common(1)
        raise BadRuns(
            f"{path.name}: problem {twice!r} has several rows of counts; keep one a problem, of "
            "one model"
        )
    return Counts(problems, solved, attempts)


def _may_hold_counts(path: Path, columns: Mapping[str, str]) -> bool:
    """Return whether the head of a file names fields of solved and of tried samples."""
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            text = "\n".join(pq.read_schema(path).names)
        else:
            with path.open(encoding="utf-8", errors="replace") as handle:
                text = handle.read(HEAD)
    except (OSError, ValueError):
        return False  # whoever reads it as a log says what is wrong with it
    text = text.lower()
    return all(
        any(name.lower() in text for name in (*USUAL[what], columns.get(what, USUAL[what][0])))
        for what in ("solved", "tried")
    )


def _counts(cells: list[object], path: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    out = []
    for row, cell in enumerate(cells, 2):
        try:
            value = float(str(_plain(cell)))
        except ValueError:
            value = float("nan")
        if not (value >= 0 and value == np.floor(value)):
            raise BadRuns(f"{path.name}, row {row}: {str(_plain(cell))[:20]!r} is no count")
        out.append(int(value))
    return np.array(out, dtype=np.int64)


def _plain(cell: object) -> object:
    return cell.as_py() if hasattr(cell, "as_py") else cell
