"""A fit held against runs that it had not seen, and what they change."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from isoflop.errors import texts
from isoflop.fitting import Fit
from isoflop.forecasting import Model
from isoflop.monitor.update import Update
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.pages.fit import in_units_of
from isoflop.pages.pool import members
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Band,
    Block,
    Figure,
    Heading,
    Line,
    Paragraph,
    Points,
    Remark,
    Report,
    Table,
    note_blocks,
)

SHOWN = 25  # runs in the table of a report; the data hold them all

SURPRISING = 0.05  # a share of runs inside that chance makes rarer than this is remarked upon


@shows(Update)
def page_of(result: Update) -> Report:
    """Return what new runs say of a fit and its forecasts."""
    before, after, count = result.before, result.after, len(result.outcomes)
    repeats = result.repeats
    left_out = (
        [Remark(f"{repeats} runs are behind the fit already, and are left out")] if repeats else []
    )
    sentence, narrow = _verdict(result)
    kind: Any = "doubt" if narrow else "info" if result.covered is None else "good"
    blocks: list[Block] = [
        Remark(f"{sentence}{narrow}", kind),
        *note_blocks(after.notes),
        *left_out,
        Heading("Was the forecast right?"),
        _forecasts(result),
        _figure(result),
        Heading("What changes"),
        *_changes(before, after),
        *_split(result),
    ]
    return Report(
        f"{_name(before)} held against {count:,} new runs",
        tuple(blocks),
        _as_data(result),
        after.status == "refused",
        answered(f"{sentence[0].upper()}{sentence[1:]}{narrow}", note_blocks(after.notes)),
    )


def _name(model: Model) -> str:
    return model.law.key if isinstance(model, Fit) else "the pool"


def _changes(before: Model, after: Model) -> list[Table]:
    """Return what new runs change in the parameters of a law, or in the laws of a pool."""
    if isinstance(before, Fit) and isinstance(after, Fit):
        return [_parameters(before, after)]
    return [members(model) for model in (before, after) if not isinstance(model, Fit)]


def _verdict(result: Update) -> tuple[str, str]:
    """Return how many truths lie inside in a sentence, and what speaks against the intervals."""
    from scipy.special import bdtr

    errors, inside, count = result.errors, result.covered, len(result.outcomes)
    sizes = f"errors are {np.median(errors):.2%} in the middle and {errors.max():.2%} at most"
    if inside is None:
        return f"the fit has no intervals to be held against; {sizes}", ""
    level = result.before.level
    sentence = f"{inside} of {count} truths lie inside their {level:.0%} intervals; {sizes}"
    if float(bdtr(inside, count, level)) < SURPRISING:
        return sentence, ": the intervals were too narrow, or the law has the wrong form"
    return sentence, ""


def _forecasts(result: Update) -> Table:
    before, outcomes = result.before, result.outcomes
    takes, output = before.binding.takes, before.binding.predicts
    words = {True: "inside", False: "outside", None: "-"}
    rows = tuple(
        (
            h.name,
            *(h.forecast.at[s] for s in takes),
            h.forecast.value,
            h.forecast.low,
            h.forecast.high,
            h.truth,
            100 * h.error,
            h.forecast.beyond,
            words[h.inside],
        )
        for h in outcomes[:SHOWN]
    )
    columns = ("run", *takes, f"{output} forecast", "low", "high", "truth", "error [%]")
    caption = f"{SHOWN} of {len(outcomes):,} runs" if len(outcomes) > SHOWN else ""
    return Table((*columns, "times beyond", "truth is"), rows, caption)


def _figure(result: Update) -> Figure:
    """Return forecasts and truths, the furthest last."""
    outcomes = result.outcomes
    order = sorted(outcomes, key=lambda h: h.forecast.beyond or 0)
    rank = np.arange(1, len(order) + 1, dtype=np.float64)
    truth = np.array([h.truth for h in order])
    value, low, high = (
        100 * (np.array([getattr(h.forecast, end) or np.nan for h in order], float) / truth - 1)
        for end in ("value", "low", "high")
    )
    names = tuple(h.name for h in order)
    band = [Band("interval", rank, low, high, group="forecast")]
    return Figure(
        "Forecasts against the truth",
        Axis("new runs, from the nearest to the furthest beyond the old ones", "rank", log=False),
        Axis(f"{result.before.binding.predicts}: above the truth", "%", log=False),
        (
            *(band if result.covered is not None else ()),
            Line("the truth", np.array([1.0, float(rank[-1])]), np.zeros(2), "reference"),
            Points("forecast", rank, value, hover=names, group="forecast"),
        ),
    )


def _parameters(before: Fit[Any], after: Fit[Any]) -> Table:
    rows = tuple(
        (
            name,
            getattr(before.law, name),
            *_ends(before, name),
            getattr(after.law, name),
            *_ends(after, name),
            in_units_of(after, parameter.unit),
        )
        for name, parameter in before.law.params.items()
    )
    columns = ("parameter", "before", "low", "high", "after", "low", "high", "unit")
    return Table(columns, rows, f"{len(before.runs):,} runs before, {len(after.runs):,} after")


def _ends(fit: Fit[Any], name: str) -> tuple[float | None, float | None]:
    """Return the interval of a parameter; None where it is fixed or there are no draws."""
    low, high = fit.interval(name)
    bounded = name not in fit.fixed and np.isfinite([low, high]).all()
    return (low, high) if bounded else (None, None)


def _split(result: Update) -> tuple[Block, ...]:
    """Return how the best N and D at the largest budget of the runs have moved."""
    splits = result.best_splits()
    if splits is None:
        return ()
    both = (splits.before, splits.after)
    rows = tuple((name, *(split[name] for split in both)) for name in ("N", "D", "L"))
    ratio = tuple(split["D"] / split["N"] for split in both)
    table = Table(("at the optimum", "before", "after"), (*rows, ("D/N", *ratio)))
    return (Paragraph(f"At C = 6ND = {show(splits.C)} FLOP, the largest of the runs:"), table)


def _as_data(result: Update) -> dict[str, Any]:
    """Return what new runs say as JSON types."""
    before, after, outcomes = result.before, result.after, result.outcomes
    inside, splits = result.covered, result.best_splits()
    changes: dict[str, Any] = {}
    if isinstance(before, Fit) and isinstance(after, Fit):
        changes = {
            name: {
                when: {"value": float(getattr(fit.law, name)), "interval": _ends(fit, name)}
                for when, fit in (("before", before), ("after", after))
            }
            for name in before.law.params
        }
    return {
        "law": _name(before),
        "quantity": before.binding.predicts,
        "level": before.level,
        "runs": [
            {
                "run": h.name,
                "at": dict(h.forecast.at),
                "value": h.forecast.value,
                "low": h.forecast.low,
                "high": h.forecast.high,
                "truth": h.truth,
                "inside": h.inside,
                "error": h.error,
                "beyond": h.forecast.beyond,
            }
            for h in outcomes
        ],
        "covered": None if inside is None else inside / len(outcomes),
        "params": changes,
        "optimum": None if splits is None else asdict(splits),
        "status": after.status,
        "notes": texts(after.notes),
    }
