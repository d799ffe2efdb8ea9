"""Which columns of a table hold the loss and the score of which task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from isoflop.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from isoflop.runs import Runs


_LOSS = ("{}_loss", "{}_bpb", "{}_nll", "loss_{}", "bpb_{}", "nll_{}")

_SCORE = ("{}_acc", "{}_accuracy", "{}_score", "acc_{}", "accuracy_{}", "score_{}")


@dataclass(frozen=True, slots=True)
class Columns:
    """A task and the columns that hold its loss and its score; None for the column L itself."""

    name: str
    loss: str | None
    score: str | None


def asked_of(text: str, names: Sequence[str], table: Runs) -> Columns:
    """Return the task that NAME or NAME=LOSS:SCORE asks for."""
    name, sign, pair = (piece.strip() for piece in text.partition("="))
    if not sign:
        return columns_of(name, names, table)
    loss, colon, score = (piece.strip() for piece in pair.partition(":"))
    if not (name and loss and colon and score):
        raise UsageError(f"--task {text!r} is not of the form NAME=LOSS:SCORE, with two columns")
    for column in (loss, score):
        if column not in (*names, *table.columns):
            raise UnknownName("column", column, (*names, *table.columns))
    return Columns(name, loss, score)


def columns_of(name: str, names: Sequence[str], table: Runs) -> Columns:
    """Return the columns of a task by the ways in which such columns are called."""
    score = next((n for n in (p.format(name) for p in _SCORE) if n in names), None)
    loss = next((n for n in (p.format(name) for p in _LOSS) if n in names), None)
    if score is None:
        raise UnknownName("task", name, every_of(names))
    if loss is None and "L" not in table:
        raise UsageError(
            f"task {name} has a score, in {score!r}, and no loss: name its column with "
            f"--task {name}=LOSS:{score}, or a loss for all tasks with --columns L=COLUMN"
        )
    return Columns(name, loss, score)


def every_of(names: Sequence[str]) -> list[str]:
    """Return the names of the tasks whose scores are among the columns."""
    ends = [tuple(pattern.split("{}")) for pattern in _SCORE]
    return [
        name[len(before) : len(name) - len(after)]
        for name in names
        for before, after in ends
        if name.startswith(before) and name.endswith(after) and len(name) > len(before + after)
    ]


def in_shares(runs: Runs) -> Runs:
    """Return runs whose score is a share, where it was said to be in per cent."""
    unit = runs.conventions.get("score")
    if unit in (None, "1"):
        return runs
    if unit not in ("%", "percent", "per cent"):
        raise UsageError(f"score is said to be in {unit!r}; it may be 1 (a share) or %")
    columns = {**runs.columns, "score": runs["score"] / 100}
    return replace(runs, columns=columns, conventions={**runs.conventions, "score": "1"})


def chances(stated: Mapping[str, float] | None, tasks: Sequence[str]) -> dict[str, float]:
    """Return the score of a guess by task, as it was given.

    Raises UnknownName for a task that is not there, UsageError for what is no share.
    """
    levels = dict(stated or {})
    for name, value in levels.items():
        if name not in tasks:
            raise UnknownName("task", name, tasks)
        if not 0 <= value < 1:
            raise UsageError(f"--chance {name} is {value:g}; a guess scores from 0 to below 1")
    return levels
