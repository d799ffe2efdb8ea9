"""Tables that are in memory already: data frames of any library, and mappings of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isoflop.errors import BadRuns, UsageError
from isoflop.runs import Runs
from isoflop.sources.cells import Cells, CellTable, source


def from_runs(runs: Runs) -> CellTable:
    """Return runs as a source, to be read again with other options."""
    columns = {**runs.columns, **runs.labels}
    return CellTable(
        origin=runs.origin,
        columns=columns,
        rows=runs.rows,
        conventions=runs.conventions,
        notes=runs.notes,
        dropped=runs.dropped,
    )


def from_mapping(columns: Mapping[Any, Any]) -> CellTable:
    """Return a mapping of names to arrays or lists as a source.

    Raises BadRuns for a column that is not one list of cells.
    """
    return source("the mapping", {str(name): _listed(str(name), v) for name, v in columns.items()})


def from_frame(frame: Any) -> CellTable:
    """Return a data frame of pandas, Polars, pyarrow or another library that narwhals knows.

    Raises UsageError for an object of another kind.
    """
    import narwhals as nw
    from narwhals.exceptions import NarwhalsError

    try:
        table = nw.from_native(frame, eager_only=True)
        series = {name: table[name] for name in table.columns}
    except TypeError:
        raise UsageError(
            f"cannot read runs from a {type(frame).__name__}; give a path, sample:NAME, a data "
            "frame (collected, if it is lazy), or a mapping of arrays"
        ) from None
    except (NarwhalsError, ValueError) as error:
        raise BadRuns(f"the data frame cannot be read: {error}") from None
    return source("the data frame", {str(name): _cells(column) for name, column in series.items()})


def _cells(column: Any) -> Cells:
    try:
        return column.to_arrow()
    except (TypeError, ValueError, NotImplementedError):  # a column of mixed Python objects
        return column.to_list()


def _listed(name: str, values: Any) -> Cells:
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise BadRuns(f"column {name!r} is {values!r}; it must be a list or an array")
    if isinstance(values, list | tuple):
        return list(values)
    cells = np.asanyarray(values)
    if cells.ndim != 1:
        raise BadRuns(f"column {name!r} has shape {cells.shape}; it must have one dimension")
    return cells if cells.dtype.kind in "iuf" else cells.tolist()
