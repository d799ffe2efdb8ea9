"""The tables that one call of a command reads, so that its answer can show how each was read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isoflop.runs import Runs

_TABLES: ContextVar[list[Runs] | None] = ContextVar("tables", default=None)


@contextlib.contextmanager
def tables_of_call() -> Iterator[list[Runs]]:
    """Collect what is read inside the block, in this thread or task alone."""
    tables: list[Runs] = []
    token = _TABLES.set(tables)
    try:
        yield tables
    finally:
        _TABLES.reset(token)


def remember(runs: Runs) -> Runs:
    """Return runs as they are; the call that reads them will show how they were read."""
    tables = _TABLES.get()
    if tables is not None:
        tables.append(runs)
    return runs
