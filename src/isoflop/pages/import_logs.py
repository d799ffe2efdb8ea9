"""Logs of other programs as runs."""

from __future__ import annotations

from collections.abc import Mapping

from isoflop.report import Block, Table


def unsaid(options: Mapping[str, str], stated: Mapping[str, str]) -> list[Block]:
    """Return what --set might have said besides."""
    rows = tuple((name, meaning) for name, meaning in options.items() if name not in stated)
    return (
        [Table(("--set", "says"), rows, "What else --set may say of these logs.")] if rows else []
    )
