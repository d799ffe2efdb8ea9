"""Laws of the loss along a learning-rate schedule, judged by held-out curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Paragraph, Remark, Report, Table, note_blocks
from isoflop.schedules import HeldOutCurve, LossCurve, ScheduleFit, ScheduleFits


@shows(ScheduleFits)
def page_of(result: ScheduleFits) -> Report:
    """Return laws of the loss along a schedule, their errors on held-out curves, and figures."""
    from isoflop.pages.schedule_figures import against_step, rates

    fits, level, judges = result.fits, result.level, result.held_out
    blocks: list[Block] = [
        *note_blocks(result.notes),
        curves_of(result.curves, judges),
        *(Paragraph(f"{key}: {f.choice.summary}.") for key, f in fits.items()),
        parameters(fits, level),
        *judged_of(result.errors, bool(judges), level if result.draws and judges else None),
        Heading("Figures"),
        against_step(next(iter(fits.values())), judges, level, result.seed),
        rates([c.schedule for c in result.every_curve]),
    ]
    title = f"Loss along schedules: {', '.join(c.name for c in result.curves)}"
    answer = answered(_answer(result), blocks)
    return Report(title, tuple(blocks), data(result), answer=answer)


def _answer(result: ScheduleFits) -> str:
    """Return how far each law was off on held-out curves, the nearest first."""
    errors: dict[str, list[float]] = {}
    for one in result.errors:
        errors.setdefault(one.key, []).append(one.mae)
    if not errors:
        return f"No held-out curve judges {', '.join(result.fits)}"
    means = sorted((float(np.mean(values)), key) for key, values in errors.items())
    count = len({id(one.curve) for one in result.errors})
    spans = {key: f"{show(min(v), 2)} to {show(max(v), 2)}" for key, v in errors.items()}
    words = (
        f"{key} by {show(mean, 2)}{f' ({spans[key]})' if count > 1 else ''}" for mean, key in means
    )
    curves = "1 held-out curve" if count == 1 else f"{count} held-out curves"
    return f"On {curves} laws are off, in nats/token, {', '.join(words)}"


def curves_of(curves: Sequence[LossCurve], held_out: Sequence[LossCurve]) -> Table:
    """Return the loss curves that were fitted and those held out."""
    rows: list[tuple[Cell, ...]] = []
    for c in (*curves, *held_out):
        last = int(c.steps[-1])
        rate = float(c.schedule.rates[last])
        use = "held out" if c in held_out else "fitted"
        cells = (c.steps.size, last, c.schedule.warmup, c.schedule.peak, rate, float(c.loss[-1]))
        rows.append((c.name, use, *cells))
    columns = ("curve", "use", "points", "last step", "warm-up", "peak", "last rate", "last loss")
    return Table(columns, tuple(rows), "Warm-up [steps], loss [nats/token].")


def parameters(fits: Mapping[str, ScheduleFit], level: float) -> Table:
    """Return the parameters of each law with their intervals."""
    rows: list[tuple[Cell, ...]] = []
    for key, f in fits.items():
        for name in (p.name for p in dataclasses.fields(f.law)):
            fixed = name in f.choice.fixed
            ends = (None, None) if fixed or not f.draws else f.interval(name, level)
            rows.append((key, name, float(getattr(f.law, name)), *ends, "held" if fixed else ""))
    caption = (
        f"Intervals at {level:.0%} over refits with the signs of blocks of residuals, eight to a "
        "curve, drawn anew. They say what the curves leave open if the form is right."
    )
    has_draws = any(f.draws for f in fits.values())
    columns = ("law", "parameter", "value", "low", "high", "")
    return Table(columns, tuple(rows), caption if has_draws else "Without draws: no intervals.")


def judged_of(
    held_out_curves: Sequence[HeldOutCurve], named: bool, level: float | None
) -> list[Block]:
    """Return the errors on held-out curves."""
    if not held_out_curves:
        return [
            Remark(
                "no curve judges the laws: hold one out by --hold-out, or give two that decay",
                "doubt",
            )
        ]
    rows: list[tuple[Cell, ...]] = []
    for h in held_out_curves:
        within = h.within if level else None
        rows.append((h.curve.name, h.key, h.r2, h.mae, float(h.error[-1]), within))
    rows.sort(key=lambda row: str(row[0]))
    how = "Each law was fitted to the other curves." if not named else ""
    inside = f" Within: share of losses inside the {level:.0%} interval." if level else ""
    means: list[tuple[Cell, ...]] = []
    for key in dict.fromkeys(h.key for h in held_out_curves):
        mine = [h for h in held_out_curves if h.key == key]
        ends = float(np.mean([abs(h.error[-1]) for h in mine]))
        means.append(
            (
                key,
                len(mine),
                np.mean([h.r2 for h in mine]).item(),
                np.mean([h.mae for h in mine]).item(),
                ends,
            )
        )
    means.sort(key=lambda row: float(row[3]))  # type: ignore[arg-type]
    return [
        Heading("Held-out curves"),
        Table(
            ("curve", "law", "R²", "MAE", "at the end", "within"),
            tuple(rows),
            f"MAE, and predicted less observed at the last step [nats/token]. {how}{inside}",
        ),
        Table(
            ("law", "curves", "R²", "MAE", "at the end"),
            tuple(means),
            "Means over held-out curves, nearest first; at the end without its sign. A law that "
            "leads by less than it moves from curve to curve leads by luck.",
        ),
    ]


def data(result: ScheduleFits) -> dict[str, Any]:
    """Return the fits to loss curves as JSON types."""
    level = result.level
    return {
        "level": level,
        "held_out": [c.name for c in result.held_out],
        "laws": {
            key: {
                "parameters": {k: float(v) for k, v in dataclasses.asdict(f.law).items()},
                "held": sorted(f.choice.fixed),
                "intervals": {k: list(f.interval(k, level)) for k in f.choice.free if f.draws},
                "objective": f.value,
                "notes": texts(f.notes),
            }
            for key, f in result.fits.items()
        },
        "judged": [
            {
                "law": h.key,
                "curve": h.curve.name,
                "r2": h.r2,
                "mae": h.mae,
                "at_the_end": float(h.error[-1]),
                "within": h.within if len(h.forecast.draws) else None,
            }
            for h in result.errors
        ],
    }
