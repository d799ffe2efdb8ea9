"""One page per kind of result: `page(result)`, its tables and its JSON, found by the result's type.

A page is one file in this folder and nothing else is edited: a function marked with `shows` makes
the report of a kind of result, one marked with `tabulates` its data frames.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from isoflop.errors import UsageError
from isoflop.report import Report
from isoflop.report.columns import Columns, columns_of

__all__ = ["data", "page", "shows", "tables", "tabulates"]

PageMaker = TypeVar("PageMaker", bound=Callable[..., Report])
TableMaker = TypeVar("TableMaker", bound=Callable[..., Mapping[str, Columns]])

_PAGES: dict[type, Callable[..., Report]] = {}
_TABLES: dict[type, Callable[..., Mapping[str, Columns]]] = {}


def shows(kind: type) -> Callable[[PageMaker], PageMaker]:
    """Mark a function as the one that makes the page of a kind of result."""

    def mark(function: PageMaker) -> PageMaker:
        _PAGES[kind] = function
        return function

    return mark


def tabulates(kind: type) -> Callable[[TableMaker], TableMaker]:
    """Mark a function as the one that makes the tables of a kind of result, the main one first."""

    def mark(function: TableMaker) -> TableMaker:
        _TABLES[kind] = function
        return function

    return mark


def page(result: object) -> Report:
    """Return the page of a result: its answer in a sentence, doubts, numbers, figures, and data.

    Raises UsageError for an object that is no result.
    """
    if isinstance(result, Report):
        return result
    function = _of_kind(_PAGES, type(result))
    if function is None:
        raise UsageError(f"a {type(result).__name__} is no result of isoflop, so it has no page")
    report: Report = function(result)
    return report


def tables(result: object) -> Mapping[str, Columns]:
    """Return the tables of a result by name, each as columns (n,) by name, the main one first."""
    function = _of_kind(_TABLES, type(result))
    return columns_of(result) if function is None else function(result)


def data(result: object) -> Mapping[str, Any]:
    """Return a result as JSON types: what `--json` prints of it."""
    return page(result).data


def _of_kind(functions: Mapping[type, Any], kind: type) -> Any:
    """Return what is registered for a type, or for the nearest type that it inherits from."""
    if not any(parent in functions for parent in kind.__mro__):
        _load()
    return next((functions[parent] for parent in kind.__mro__ if parent in functions), None)


@functools.cache
def _load() -> None:
    """Import every file of this folder, which registers what is in it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
