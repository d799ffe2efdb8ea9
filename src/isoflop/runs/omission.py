"""Rows of a source that became no run, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Omission:
    """Rows that were left out for one reason; a header is row 1."""

    rows: tuple[int, ...]
    reason: str
