"""Where an answer comes from: units, conventions, the law behind it, and notes by their weight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isoflop.runs import Runs
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from isoflop.quantities import quantity
from isoflop.report import Note, Paragraph
from isoflop.report.document import Block

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.runs import Runs


def described(model: Fit[Any] | Published) -> Paragraph:
    """Return in a sentence what stands behind an answer."""
    from isoflop.law import Published

    if isinstance(model, Published):
        return Paragraph(f"From {model.key}: {model.source}.")
    runs = model.runs
    return Paragraph(f"From {model.law.key}, fitted to {len(runs):,} runs of {runs.origin}.")


def unit_of(source: Fit[Any] | Published | Runs, symbol: str) -> str:
    """Return the unit of a quantity; that of the loss is as its source states."""
    unit = quantity(symbol).unit
    return source.conventions.get("L", unit) if symbol == "L" else unit


def counted(source: Fit[Any] | Published | Runs, symbol: str) -> str:
    """Return the unit of a quantity and, where it is stated, how it is counted."""
    unit, convention = unit_of(source, symbol), source.conventions.get(symbol)
    return unit if convention in (None, unit) else f"{unit}, {convention}"


def noted(model: Fit[Any] | Published, notes: Sequence[str]) -> list[Block]:
    """Return notes as blocks; those that bear on trust come before any number."""
    from isoflop.law import EXTRAPOLATION, Published

    if isinstance(model, Published):
        heavy = [t for t in notes if t == model.caution or t.startswith(EXTRAPOLATION)]
        return [Note(text, "doubt" if text in heavy else "info") for text in notes]
    worst: Literal["refused", "doubt"] = "refused" if model.status == "refused" else "doubt"
    grave = doubts(model)
    return [
        Note(text, worst if text in grave[:1] else "doubt" if text in grave else "info")
        for text in notes
    ]


def doubts(fit: Fit[Any]) -> tuple[str, ...]:
    """Return the notes of a fit that bear on trust, worst first; its other notes are remarks."""
    if fit.status == "ok":
        return ()
    remarks = ("the convention by which ", *fit.runs.notes)
    return tuple(n for n in fit.notes if not n.startswith(remarks))


_KEPT = re.compile(r"([\d,]+) of ([\d,]+) runs meet ")


def dropped(runs: Runs) -> int:
    """Return how many runs of the source a condition left out, which its note says."""
    matches = filter(None, map(_KEPT.match, runs.notes))
    counts = ([int(n.replace(",", "")) for n in m.groups()] for m in matches)
    return sum(total - count for count, total in counts)
