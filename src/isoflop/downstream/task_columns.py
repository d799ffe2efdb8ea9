"""Which columns of a table hold the loss and the score of which task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from isoflop.errors import UnknownName, UsageError
from isoflop.runs import Runs
from isoflop.sources import read

ALONE = "task"  # the name of the only task of a table whose columns are L and score
_LOSS = ("{}_loss", "{}_bpb", "{}_nll", "loss_{}", "bpb_{}", "nll_{}")
_SCORE = ("{}_acc", "{}_accuracy", "{}_score", "acc_{}", "accuracy_{}", "score_{}")


@dataclass(frozen=True, slots=True)
class TaskColumns:
    """A task and the columns that hold its loss and its score; None for the column L itself."""

    name: str
    loss: str | None
    score: str | None

    @property
    def mapping(self) -> dict[str, str]:
        """Which column is the loss, and which the score."""
        columns = {"L": self.loss, "score": self.score}
        return {symbol: name for symbol, name in columns.items() if name is not None}


def read_tasks(
    source: str,
    tasks: Sequence[str] = (),
    *,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, Runs]:
    """Return the runs of each task of a table: scale, with its loss as L and its score.

    `tasks` are names, or NAME=LOSS:SCORE with two columns; without any, every task that the
    names of columns show. A task without a loss of its own takes the L of the table. `columns`,
    `units` and `options` are those of `isoflop.read`.

    Raises UsageError where no task is there, or a column is missing.
    """
    table = read(source, columns=columns, **options)
    names = (*table.unread, *(columns or {}).values())
    parts = [part.strip() for text in tasks for part in text.split(",") if part.strip()]
    if parts:
        layouts = [_stated(part, names, table) for part in parts]
    else:
        layouts = [_by_name(name, names, table) for name in _tasks_of(names)]
    if not layouts and {"L", "score"} <= set(table.columns):
        layouts = [TaskColumns(ALONE, None, None)]
    if not layouts:
        raise UsageError(
            f"no column of {table.origin} looks like the score of a task (such as NAME_acc); say "
            "--task NAME=LOSS:SCORE with the two columns"
        )
    return {
        task.name: _in_shares(
            read(source, columns={**(columns or {}), **task.mapping}, units=units, **options)
        )
        for task in layouts
    }


def _stated(text: str, names: Sequence[str], table: Runs) -> TaskColumns:
    """Return the task that NAME or NAME=LOSS:SCORE asks for."""
    name, sign, pair = (piece.strip() for piece in text.partition("="))
    if not sign:
        return _by_name(name, names, table)
    loss, colon, score = (piece.strip() for piece in pair.partition(":"))
    if not (name and loss and colon and score):
        raise UsageError(f"--task {text!r} is not of the form NAME=LOSS:SCORE, with two columns")
    for column in (loss, score):
        if column not in (*names, *table.columns):
            raise UnknownName("column", column, (*names, *table.columns))
    return TaskColumns(name, loss, score)


def _by_name(name: str, names: Sequence[str], table: Runs) -> TaskColumns:
    """Return the columns of a task by the ways in which such columns are called."""
    score = next((n for n in (p.format(name) for p in _SCORE) if n in names), None)
    loss = next((n for n in (p.format(name) for p in _LOSS) if n in names), None)
    if score is None:
        raise UnknownName("task", name, _tasks_of(names))
    if loss is None and "L" not in table:
        raise UsageError(
            f"task {name} has a score, in {score!r}, and no loss: name its column with "
            f"--task {name}=LOSS:{score}, or a loss for all tasks with --columns L=COLUMN"
        )
    return TaskColumns(name, loss, score)


def _tasks_of(names: Sequence[str]) -> list[str]:
    """Return the names of the tasks whose scores are among the columns."""
    ends = [tuple(pattern.split("{}")) for pattern in _SCORE]
    return [
        name[len(before) : len(name) - len(after)]
        for name in names
        for before, after in ends
        if name.startswith(before) and name.endswith(after) and len(name) > len(before + after)
    ]


def _in_shares(runs: Runs) -> Runs:
    """Return runs whose score is a share, where it was said to be in per cent."""
    unit = runs.conventions.get("score")
    if unit in (None, "1"):
        return runs
    if unit not in ("%", "percent", "per cent"):
        raise UsageError(f"score is said to be in {unit!r}; it may be 1 (a share) or %")
    columns = {**runs.columns, "score": runs["score"] / 100}
    return replace(runs, columns=columns, conventions={**runs.conventions, "score": "1"})
