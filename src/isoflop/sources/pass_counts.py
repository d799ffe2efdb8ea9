"""Tables of counts of several models: a row for each model and problem, and the model's compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, UsageError, brief
from isoflop.quantities import parse_as
from isoflop.sources.cells import CellTable, texts
from isoflop.sources.files import read_file
from isoflop.sources.packaged import PREFIX, from_sample

USUAL = {
    "C": ("C", "flop", "flops", "compute"),
    "problem": ("problem", "problem_id", "task_id", "question_id"),
    "solved": ("solved", "num_correct", "correct", "passed", "successes"),
    "attempts": ("attempts", "tried", "num_samples", "samples", "n"),
}


@dataclass(frozen=True, eq=False)
class PassCounts:
    """Counts of m models over p problems: `solved` of `attempts` (m, p), at `C` (m,) [FLOP]."""

    C: Numbers
    problems: tuple[str, ...]
    solved: Numbers
    attempts: Numbers
    origin: str


def read_pass_counts(path: str | Path, columns: Mapping[str, str] | None = None) -> PassCounts:
    """Return the counts of a table: a row a model and problem, with C, solved and attempts.

    `columns` names the column of C, problem, solved or attempts where it has another name. A model
    is known by its C.
    Raises UsageError for columns that are not there, BadRuns for cells that are no counts, and for
    models that were not all tried on the same problems.
    """
    name = f"{path}"
    table = from_sample(name[len(PREFIX) :]) if name.startswith(PREFIX) else read_file(Path(path))
    fields = {what: _column(table, what, columns or {}) for what in USUAL}
    cells = {what: texts(table.columns[fields[what]]) for what in fields}
    C = np.array([parse_as("C", text, f"row {row}: C") for row, text in enumerate(cells["C"], 2)])
    solved = _counts(cells["solved"], "solved", table.origin)
    attempts = _counts(cells["attempts"], "attempts", table.origin)
    models, row_model = np.unique(C, return_inverse=True)
    problems = tuple(dict.fromkeys(cells["problem"]))
    place = {problem: i for i, problem in enumerate(problems)}
    row_problem = np.array([place[problem] for problem in cells["problem"]])
    _refuse_incomplete(table.origin, row_model, row_problem, models, problems)
    grids = np.zeros((2, models.size, len(problems)))
    grids[:, row_model, row_problem] = solved, attempts
    return PassCounts(models, problems, grids[0], grids[1], table.origin)


def _refuse_incomplete(
    origin: str, row_model: Any, row_problem: Any, models: Numbers, problems: tuple[str, ...]
) -> None:
    """Raise BadRuns unless each model has one row of each problem."""
    pairs = Counter(zip(row_model.tolist(), row_problem.tolist(), strict=True))
    (model, problem), most = pairs.most_common(1)[0]
    if most > 1:
        raise BadRuns(
            f"{origin}: problem {brief(problems[problem])} has {most} rows at C = "
            f"{models[model]:g}; give one, of one model"
        )
    rows = np.bincount(row_model)
    if rows.min() < len(problems):
        raise BadRuns(
            f"{origin}: the model of C = {models[rows.argmin()]:g} has {rows.min()} of "
            f"{len(problems)} problems; every model is to be tried on the same problems"
        )


def _column(table: CellTable, what: str, columns: Mapping[str, str]) -> str:
    """Return the column that holds `what`; raises UsageError where none does."""
    if unknown := sorted(set(columns) - set(USUAL)):
        raise UsageError(f"columns names {unknown[0]}; it may name {', '.join(USUAL)}")
    folded = {name.lower(): name for name in table.columns}
    names = (columns[what],) if what in columns else USUAL[what]
    column = next((folded[n.lower()] for n in names if n.lower() in folded), None)
    if column is None:
        raise UsageError(
            f"{table.origin} has no column of {what}; it has {', '.join(table.columns)}: say "
            f"--columns {what}=COLUMN"
        )
    return column


def _counts(cells: Sequence[str], what: str, origin: str) -> Any:
    values = []
    for row, text in enumerate(cells, 2):
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if not (0 <= value < np.inf and value == np.floor(value)):
            raise BadRuns(f"{origin}, row {row}: {what} is {brief(text)}, which is no count")
        values.append(value)
    return np.array(values)
