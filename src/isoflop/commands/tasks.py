"""Which columns of a table hold the loss and the score of which task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from isoflop.commands.inputs import RunsOptions
from isoflop.errors import UsageError
from isoflop.pages.tasks import Columns, asked_of, columns_of, every_of, in_shares

if TYPE_CHECKING:
    from isoflop.runs import Runs

ALONE = "task"  # the name of the only task of a table whose columns are L and score


def read_tasks(table_options: RunsOptions, source: str, wanted: Sequence[str]) -> dict[str, Runs]:
    """Return the runs of each task: scale, with its loss as L and its score.

    `wanted` are names, or NAME=LOSS:SCORE with two columns; without any, every task that the
    names of columns show. A task without a loss of its own takes the L of the table.

    Raises UsageError where no task is found, or a column is missing.
    """
    mapping = dict(table_options.columns or {})
    table = replace(table_options, unit=None).read(source)
    names = (*table.unread, *mapping.values())
    parts = [part.strip() for text in wanted for part in text.split(",") if part.strip()]
    if parts:
        layouts = [asked_of(part, names, table) for part in parts]
    else:
        layouts = [columns_of(name, names, table) for name in every_of(names)]
    if not layouts and {"L", "score"} <= set(table.columns):
        layouts = [Columns(ALONE, None, None)]
    if not layouts:
        raise UsageError(
            f"no column of {table.origin} looks like the score of a task (such as NAME_acc); say "
            "--task NAME=LOSS:SCORE with the two columns"
        )
    return {task.name: in_shares(_read(table_options, source, task)) for task in layouts}


def _read(table_options: RunsOptions, source: str, task: Columns) -> Runs:
    mine = {"L": task.loss, "score": task.score}
    columns = {**(table_options.columns or {}), **{s: c for s, c in mine.items() if c is not None}}
    return replace(table_options, columns=columns).read(source)
