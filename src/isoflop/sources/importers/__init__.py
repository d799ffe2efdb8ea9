"""Logs of other programs turned into tables of isoflop's: one file a kind, each registered here.

A new kind is a new file of this package that calls `importer`; `isoflop import --as KIND` finds it.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, TypeAlias

from isoflop.errors import Note, UnknownName

__all__ = [
    "Imported",
    "Importer",
    "Read",
    "Savable",
    "Watch",
    "every",
    "importer",
    "kind",
    "silent",
]

Cell: TypeAlias = str | float | int | None
Watch: TypeAlias = Callable[[float, float], None]  # told how much is done, of how much


def silent(done: float, total: float) -> None:
    """Tell nobody how far something is."""


class Savable(Protocol):
    """A table that can be counted and written to a file."""

    def __len__(self) -> int:
        """Return how many rows there are."""

    def save(self, path: str | os.PathLike[str], /) -> int | None:
        """Write the table; the extension says how. Return how many rows were new, if it is kept."""


@dataclass(frozen=True, eq=False)
class Imported:
    """What an import gave: a table, a summary of it for a reader, and what was guessed or left out.

    `columns` and `rows` are the summary, such as one row per run; `kind` is that of the importer.
    """

    table: Savable
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[Note, ...] = ()
    kind: str = ""


class Read(Protocol):
    """How logs of one kind are read."""

    def __call__(
        self,
        logs: Sequence[str],
        columns: Mapping[str, str],
        settings: Mapping[str, str],
        watch: Watch = silent,
    ) -> Imported:
        """Return what logs hold; `watch` is told how far the reading is."""


@dataclass(frozen=True)
class Importer:
    """How logs of one kind are read: `read(logs, columns, settings, watch)`.

    `columns` names fields of the logs by symbol; `settings` are those of `options`, which says
    what each is for.
    """

    kind: str
    summary: str
    read: Read
    options: Mapping[str, str] = field(default_factory=dict)


_REGISTRY: dict[str, Importer] = {}


def importer(
    kind: str, summary: str, options: Mapping[str, str] | None = None
) -> Callable[[Read], Read]:
    """Register a function as the importer of one kind of logs."""

    def register(read: Read) -> Read:
        _REGISTRY[kind] = Importer(kind, summary, read, dict(options or {}))
        return read

    return register


def every() -> Mapping[str, Importer]:
    """Return every importer by its kind; importing a file of this package registers it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return MappingProxyType(dict(sorted(_REGISTRY.items())))


def kind(name: str) -> Importer:
    """Return the importer called `name`.

    Raises UnknownName, which names the nearest one.
    """
    importers = every()
    if name not in importers:
        raise UnknownName("kind of log", name, importers)
    return importers[name]
