"""Logs of other programs as runs: what was read as what, and what else could be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isoflop.errors import Note, amount, texts
from isoflop.pages.answer import answered
from isoflop.report import Block, Report, Table, note_blocks
from isoflop.runs import Runs
from isoflop.sources import importers
from isoflop.sources.importers import Imported


def page_of(
    logs: Imported,
    settings: Mapping[str, str] | None = None,
    out: str | None = None,
    new: int | None = None,
) -> Report:
    """Return what logs hold; `out` is where their rows are, `new` how many were not there yet."""
    table = logs.table
    notes = [*(table.doubts if isinstance(table, Runs) else ()), *logs.notes]
    if new is not None and new < len(table):
        repeats = amount(len(table) - new, "row was", "rows were")
        text = f"{repeats} in {out} already; what is there stays as it is"
        notes.append(Note("info", "repeats", text))
    options = importers.kind(logs.kind).options
    blocks: list[Block] = [
        *note_blocks(notes),
        Table(logs.columns, logs.rows),
        *unsaid(options, settings or {}),
    ]
    data: dict[str, Any] = {
        "out": out,
        "kind": logs.kind,
        "rows": len(table),
        "notes": texts(notes),
        "found": [dict(zip(logs.columns, row, strict=True)) for row in logs.rows],
    }
    title = f"{amount(len(table), 'row', 'rows')} imported"
    where = f" to {out}" if out else "; --out FILE writes them"
    answer = answered(f"{title} as {logs.kind}", blocks)
    return Report(f"{title}{where}", tuple(blocks), data, answer=answer)


def unsaid(options: Mapping[str, str], stated: Mapping[str, str]) -> list[Block]:
    """Return what --set might have said besides."""
    rows = tuple((name, meaning) for name, meaning in options.items() if name not in stated)
    return (
        [Table(("--set", "says"), rows, "What else --set may say of these logs.")] if rows else []
    )
