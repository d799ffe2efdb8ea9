"""The figures that readers of the papers know, drawn from constants and data that ship."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TypeAlias

from isoflop.errors import UnknownName
from isoflop.report import Report, Table

Drawing: TypeAlias = Callable[[], Report]

_DRAWINGS: dict[str, Drawing] = {}


def draws(name: str) -> Callable[[Drawing], Drawing]:
    """Register a function without arguments as the page of a paper's figures."""

    def register(drawing: Drawing) -> Drawing:
        _DRAWINGS[name] = drawing
        return drawing

    return register


def names() -> tuple[str, ...]:
    """Return the papers and models whose figures can be drawn."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(_DRAWINGS)


def figures(name: str | None = None) -> Report:
    """Return the page of a paper's figures, or the list of the papers that there are.

    Raises UnknownName, which lists them.
    """
    figures = names()
    if name is not None:
        if name not in figures:
            raise UnknownName("figure", name, figures)
        return _DRAWINGS[name]()
    rows = tuple((each, (_DRAWINGS[each].__doc__ or "").splitlines()[0]) for each in figures)
    return Report(
        f"Figures of the field: {len(rows)} pages",
        (Table(("name", "what it shows"), rows),),
        {"figures": list(figures)},
    )
