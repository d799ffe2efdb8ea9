"""Which columns of a table of models are benchmarks, and their scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, UsageError
from isoflop.observational.components import Models
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows
from isoflop.sources import read


def read_models(
    source: str,
    target: str,
    inputs: tuple[str, ...] = (),
    *,
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> tuple[Runs, Models]:
    """Return a table, and its models with the benchmarks that are wanted, or all there are.

    The table holds a row per model: family, C, and a column of shares per benchmark; without
    `inputs` every column of shares is one. `columns` and `options` are those of `isoflop.read`.

    Raises BadRuns for a table without families or compute, UsageError for a column that is not
    there.
    """
    runs = read(source, columns=columns, **options)
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
        mapping = {**(columns or {}), "score": name}
        shares = _shares(source, mapping, options, wanted=bool(inputs) or name == target)
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


def _shares(
    source: str, columns: Mapping[str, str], options: Mapping[str, Any], wanted: bool
) -> Numbers | None:
    """Return a column (n,) as scores; None for one that is no benchmark and was not asked for."""
    name = columns["score"]
    try:
        runs = read(source, columns=columns, **options)
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
