"""Gold against root KL for each proxy, the law chosen by held-out KL, and its peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import UsageError, texts
from isoflop.report import Cell, Remark, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess.reward.overoptimisation import Overoptimisation


FEW = 3  # proxies that have a doubt each; of more it is said once


def refuse(what: str, **options: object) -> None:
    """Refuse an option that says nothing about what the table holds."""
    if names := [name for name, value in options.items() if value]:
        other = "runs of RL" if what == "samples" else "scored samples"
        raise UsageError(f"--{names[0]} is for {other}, and the table holds {what}; leave it out")


def ahead(fits: dict[str, Overoptimisation], level: float) -> Table:
    """Return forecasts of larger KL from the lower half, beside what was measured."""
    rows: list[tuple[Cell, ...]] = []
    for name, f in fits.items():
        half = (None, None, None) if f.half is None else tuple(f.half)
        inside = f.half is not None and f.half.low <= f.actual <= f.half.high
        within = None if f.half is None else "yes" if inside else "no"
        rows.append((name, f.furthest, *half, f.actual, within))
    return Table(
        ("proxy", "at d", "forecast", "low", "high", "came", "within"),
        tuple(rows),
        f"Gain at the largest KL as forecast by the law from the lower half of d, {level:.0%} "
        "intervals of its parameters alone, and what came. An empty row has too few points there.",
    )


def choices(fits: dict[str, Overoptimisation]) -> Table:
    """Return the laws with their held-out errors, by proxy."""
    rows: list[tuple[Cell, ...]] = []
    for name, f in fits.items():
        for i, s in enumerate(f.standings):
            verdict = "best" if i == 0 else "tied with it" if s.tied else "worse"
            peak = finite(float(f.evidence.law(s.form).peak_at()))
            rows.append((name, s.form, s.rms, s.bias, peak, verdict))
    return Table(
        ("proxy", "law", "rms error", "bias", "its d*", "is"),
        tuple(rows),
        "Fitted to the lower 40-80% of d and held against the rest [reward]. Bias above zero "
        "promised too much. Tied: better in more than 5% of draws.",
    )


def doubts(fits: Mapping[str, Overoptimisation]) -> list[Remark]:
    """Return what speaks against the law of each proxy; what speaks against many, once."""
    notes = note_blocks(n.of(name) for name, f in fits.items() for n in f.notes)
    astray = {name: f for name, f in fits.items() if not f.follows}
    if len(astray) > FEW:
        r2 = [f.r2 for f in astray.values()]
        messages = (
            f"laws of {len(astray)} of {len(fits)} proxies do not follow their points (R^2 "
            f"{min(r2):.2f} to {max(r2):.2f}): those peaks are rough ones"
        )
        return [*notes, Remark(messages, "doubt")]
    return notes + [
        Remark(
            f"{name}: {f.form} does not follow the points (R^2 {f.r2:.2f}): its peak is a rough "
            "one",
            "doubt",
        )
        for name, f in astray.items()
    ]


def as_data(f: Overoptimisation) -> dict[str, Any]:
    """Return a fitted law as JSON types."""
    return {
        "form": f.form,
        "parameters": {k: float(v) for k, v in f.law.values.items()},
        "intervals": {
            k: [finite(x) for x in f.spread(lambda law, k=k: getattr(law, k))] for k in f.law.values
        },
        "peak_at": [finite(x) for x in f.peak_at],
        "peak": [finite(x) for x in f.peak],
        "r2": f.r2,
        "follows": f.follows,
        "size": f.evidence.size,
        "furthest": f.furthest,
        "half_range": None if f.half is None else [finite(x) for x in f.half],
        "actual": f.actual,
        "forms": [
            {"form": s.form, "rms": s.rms, "bias": s.bias, "better": s.better, "tied": s.tied}
            for s in f.standings
        ],
        "points": {"d": f.evidence.d.tolist(), "R": f.evidence.R.tolist()},
        "notes": texts(f.notes),
    }


def finite(value: float) -> float | None:
    """Return a number that JSON can hold, None for one that is infinite."""
    return float(value) if np.isfinite(value) else None
