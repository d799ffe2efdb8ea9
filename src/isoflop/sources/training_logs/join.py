"""The records of one run as one history: restarts joined, and none doubled."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.errors import BadRuns, Note, amount
from isoflop.sources.training_logs.log import Log

GAP = 5.0  # times the usual distance between records that is called a gap


@dataclass(frozen=True, eq=False)
class Joined:
    """One record for each step, steps rising, the line where each began, and what was done."""

    steps: tuple[float, ...]
    records: tuple[Mapping[str, Any], ...]
    lines: tuple[int, ...]
    notes: tuple[Note, ...]


def joined(log: Log, step: str, restarts: str = "join") -> Joined:
    """Return the history of a run; `step` names the field that counts optimiser steps.

    Records without a step belong to the last one that had one. Where steps go back, the run was
    restarted from a checkpoint: what it did again replaces what it did first, unless `restarts`
    is "refuse".
    Raises BadRuns for a restart that is to be refused, and for a log without steps.
    """
    rows: list[tuple[float, dict[str, Any], int]] = []
    notes: list[Note] = []
    repeats = 0
    for record, line in zip(log.records, log.lines, strict=True):
        at = record.get(step, rows[-1][0] if rows else None)
        if not isinstance(at, int | float) or at != at:
            continue
        if rows and at < rows[-1][0]:
            before = rows[-1][0]
            head = [row for row in rows if row[0] < at]
            description = (
                f"{log.run}: restarted at step {at:g} after step {before:g} (line {line}); "
                f"{len(rows) - len(head)} records that it made again"
            )
            if restarts == "refuse":
                raise BadRuns(
                    f"{description} stand twice; --set restarts=join takes the later ones"
                )
            notes.append(Note("doubt", "restart", f"{description} are taken from the later part"))
            rows = head
        if rows and at == rows[-1][0]:
            repeats += _says_again(record, rows[-1][1], step)
            rows[-1][1].update(record)
        else:
            rows.append((float(at), dict(record), line))
    if not rows:
        raise BadRuns(f"{log.origin}: no record of {log.run} has a step {step!r}")
    if repeats:
        text = (
            f"{log.run}: {amount(repeats, 'record is', 'records are')} replaced by a later one of "
            f"the same {step}, which may be rounded; name a field that counts every step"
        )
        notes.append(Note("doubt", "replaced", text))
    notes += _gaps(log.run, [row[0] for row in rows])
    steps, records, lines = zip(*rows, strict=True)
    return Joined(steps, records, lines, tuple(notes))


def _says_again(record: Mapping[str, Any], before: Mapping[str, Any], step: str) -> bool:
    """Return whether a record has other numbers for what one of its step said before."""
    return any(k != step and k in before and before[k] != v for k, v in record.items())


def _gaps(run: str, steps: list[float]) -> list[Note]:
    apart = [b - a for a, b in itertools.pairwise(steps)]
    if not apart:
        return []
    usual = sorted(apart)[len(apart) // 2]
    return [
        Note("info", "gap", f"{run}: nothing between step {a:g} and step {b:g}")
        for a, b in itertools.pairwise(steps)
        if b - a > GAP * usual
    ]
