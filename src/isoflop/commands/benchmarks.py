"""Which columns of a table of models are benchmarks, and their scores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.commands.inputs import TableOptions
from isoflop.errors import BadRuns, UsageError
from isoflop.runs.cells import name_rows

if TYPE_CHECKING:
    from isoflop.observational import Models
    from isoflop.runs import Runs


def read_models(
    table_options: TableOptions, source: str, target: str, inputs: tuple[str, ...]
) -> tuple[Runs, Models]:
    """Return the table, and its models with the benchmarks that are wanted, or all there are.

    Without `inputs` every column of shares is a benchmark.

    Raises BadRuns for a table without families or compute, UsageError for a column that is not
    there.
    """
    from isoflop.observational import Models

    runs = table_options.read(source)
    if "family" not in runs.labels:
        raise BadRuns(f"{runs.origin} has no family column; say --columns family=COLUMN")
    if "C" not in runs:
        raise BadRuns(f"{runs.origin} has no compute; say --columns C=COLUMN or --derive 'C=6N*D'")
    names = tuple(dict.fromkeys((*inputs, target))) if inputs else runs.unread
    if wrong := [n for n in (*names, target) if n not in runs.unread]:
        there = ", ".join(runs.unread)
        raise UsageError(f"{runs.origin} has no column {wrong[0]!r} of scores; it has {there}")
    scores = {}
    for name in names:
        shares = _shares(table_options, source, name, wanted=bool(inputs) or name == target)
        if shares is not None:
            scores[name] = shares
    labels = runs.labels.get("run", np.array([f"row {row}" for row in runs.rows]))
    return runs, Models(
        np.column_stack(list(scores.values())),
        tuple(scores),
        labels,
        runs.labels["family"],
        runs["C"],
        runs.rows,
    )


def _shares(table_options: TableOptions, source: str, name: str, wanted: bool) -> Any:
    """Return a column (n,) as scores; None for one that is no benchmark and was not asked for."""
    try:
        runs = replace(
            table_options, columns={**(table_options.columns or {}), "score": name}
        ).read(source)
    except BadRuns:
        if wanted:
            raise
        return None
    values = runs["score"]
    if not np.isfinite(values).any():
        if wanted:
            raise BadRuns(f"column {name!r} of {runs.origin} holds no score")
        return None
    beyond = (values < 0) | (values > 1)
    if wanted and beyond.any():
        raise BadRuns(
            f"column {name!r} holds {values[beyond][0]:g} in {name_rows(runs.rows[beyond])}; "
            "scores are shares of 0 to 1: divide per cent by 100"
        )
    return None if beyond.any() else values
