"""Where an answer comes from: units, conventions, the law behind it, and rows left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.quantities import quantity
from isoflop.report import Paragraph

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.runs import Runs


def described(model: Fit[Any] | Pool | Published) -> Paragraph:
    """Return in a sentence what stands behind an answer."""
    from isoflop.fitting import Fit
    from isoflop.law import Published

    if isinstance(model, Published):
        return Paragraph(f"From {model.key}: {model.source}.")
    runs = model.runs
    if not isinstance(model, Fit):
        members = sorted(model.members, key=lambda m: -m.weight)
        names = ", ".join(f"{m.candidate.name} {m.weight:.0%}" for m in members)
        return Paragraph(
            f"From a pool of laws fitted to {len(runs):,} runs of {runs.origin}: {names}."
        )
    return Paragraph(f"From {model.law.key}, fitted to {len(runs):,} runs of {runs.origin}.")


def unit_of(source: Fit[Any] | Pool | Published | Runs, symbol: str) -> str:
    """Return the unit of a quantity; that of the loss is as its source states."""
    unit = quantity(symbol).unit
    return source.conventions.get("L", unit) if symbol == "L" else unit


def counted(source: Fit[Any] | Pool | Published | Runs, symbol: str) -> str:
    """Return the unit of a quantity and, where it is stated, how it is counted."""
    unit, convention = unit_of(source, symbol), source.conventions.get(symbol)
    return unit if convention in (None, unit) else f"{unit}, {convention}"


def dropped(runs: Runs) -> int:
    """Return how many rows of the source are left out of the runs."""
    return sum(len(omission.rows) for omission in runs.dropped)
