"""Ranges of money, hours and energy as cells and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.quantities import show

if TYPE_CHECKING:
    from isoflop.atlas import Range


def ranged(value: Range | None) -> str | float | None:
    """Return a range as a cell: one number, or "typical (low to high)"."""
    if value is None:
        return None
    if value.exact:
        return value.typical
    return f"{show(value.typical)} ({show(value.low)} to {show(value.high)})"


def plain(value: Range | None) -> dict[str, float] | None:
    """Return a range as data."""
    if value is None:
        return None
    return {"low": value.low, "typical": value.typical, "high": value.high}
