"""Runs wherever a table is: a verb that takes runs takes what can be read as runs, too."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

from isoflop.runs.table import Runs

# Runs, a data frame of pandas, polars or pyarrow, a mapping of arrays, or a path.
Tabular: TypeAlias = Any


def as_runs(table: Tabular) -> Runs:
    """Return runs as they are, and of another table what `isoflop.read` makes of it.

    Raises what `isoflop.read` raises.
    """
    if isinstance(table, Runs):
        return table
    # Sources stand above the laws and are for those who have no runs yet: they are loaded here by
    # name, so that the engine does not depend on every format that there is.
    runs: Runs = importlib.import_module("isoflop.sources").read(table)
    return runs
