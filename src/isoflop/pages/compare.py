"""Laws ranked by how far they miss larger runs, and what they forecast together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.assess import Backtest, Candidate, Comparison
from isoflop.errors import texts
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered, estimated
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    Cell,
    Figure,
    Heading,
    Line,
    Paragraph,
    Remark,
    Report,
    Table,
    note_blocks,
)
from isoflop.report.columns import Columns

if TYPE_CHECKING:
    from isoflop.forecasting import Forecast
    from isoflop.runs import Runs


MOST_LINES = 6  # laws that a figure can tell apart

MEANING = (
    "Every candidate (a law, and the objective it is fitted with unless that is huber) was fitted "
    "to the smaller runs alone and held against the larger. Errors are of the prediction, in per "
    "cent: the mean size, the bias (above zero: it forecasts too high), and what an error "
    "of the form adds at ten times the runs. The lead of the first is noise if it is lost in more "
    "than 5% of resamples of splits and runs. Weights are those of the pooled forecast."
)


@shows(Comparison)
def page_of(comparison: Comparison, outcome: Forecast | None = None) -> Report:
    """Return laws ranked as a report, with the forecast of their pool where there is one."""
    runs = comparison.test.runs
    best = verdict(comparison)
    blocks: list[Block] = [
        *note_blocks((*comparison.doubts, *comparison.test.notes)),
        *((best,) if best.kind == "good" else ()),
        *(said_of(outcome, runs) if outcome else ()),
        Paragraph(meaning(comparison)),
        ranking(comparison),
        *refusals(comparison.test),
        error_by_ratio(comparison.test, [s.candidate for s in comparison.standings]),
    ]
    title = f"Laws compared on {len(runs):,} runs of {runs.origin}"
    words = best.text
    if outcome is not None:
        place = ", ".join(f"{symbol} = {show(value)}" for symbol, value in outcome.at.items())
        words = f"{outcome.quantity} = {estimated(outcome)} at {place} by the pool; {words}"
    answer = answered(words, blocks)
    return Report(title, tuple(blocks), as_data(comparison, outcome), answer=answer)


@tabulates(Comparison)
def tables_of(comparison: Comparison) -> dict[str, Columns]:
    """Return the candidates of a comparison, best first, and their errors run by run."""
    errors = comparison.test.results
    counts = [h.error.size for h in errors]
    return {
        "ranking": {
            "candidate": [s.candidate.name for s in comparison.standings],
            **{
                name: [getattr(s, name) for s in comparison.standings]
                for name in ("rms", "error", "bias", "growth", "better", "tied", "weight")
            },
        },
        "errors": {
            "candidate": np.repeat(
                [h.candidate.name for h in errors], [h.error.size for h in errors]
            ),
            "cut": np.repeat([h.cut for h in errors], counts),
            "ratio": np.concatenate([h.ratio for h in errors]),
            "error": np.concatenate([h.error for h in errors]),
        },
    }


def meaning(comparison: Comparison) -> str:
    """Return what the columns of a comparison mean."""
    from isoflop.assess.extrapolation.learnt import LEARNT

    usual = [s for s in LEARNT.trust if any(c.candidate.law == s for c in comparison.standings)]
    if not usual:
        return MEANING
    are, it = ("is", "it is") if len(usual) == 1 else ("are", "they are")
    return (
        f"{MEANING} {' and '.join(usual)} {are} trusted more at first, unless {it} beaten beyond "
        "noise."
    )


def ranking(comparison: Comparison) -> Table:
    """Return the candidates, best first."""
    rows: list[tuple[Cell, ...]] = [
        (
            s.candidate.name,
            percent(s.error),
            percent(s.bias),
            percent(s.growth * float(np.log(10))),
            "" if i == 0 else f"{'noise' if s.tied else 'real'}, lost in {s.better:.0%}",
            f"{s.weight:.1%}",
        )
        for i, s in enumerate(comparison.standings)
    ]
    return Table(
        ("candidate", "error [%]", "bias [%]", "at 10x [%]", "lead of the first", "weight"),
        tuple(rows),
        splits_in_words(comparison.test),
    )


def percent(share: float) -> float:
    """Return a share in per cent, to the hundredth: backtests know no more of an error."""
    return round(100 * share, 2)


def splits_in_words(test: Backtest) -> str:
    """Return the splits and how many runs each held out."""
    first = test.of(test.candidates[0])
    each = (f"{h.split.name} ({h.trained} runs, {h.error.size} larger)" for h in first)
    return f"Fitted to {', '.join(each)}."


def refusals(test: Backtest) -> tuple[Block, ...]:
    """Return the candidates that could not be tested, and why."""
    if not test.refused:
        return ()
    rows = tuple((r.candidate.name, r.reason) for r in test.refused)
    return (Heading("Not tested"), Table(("candidate", "why"), rows))


def error_by_ratio(test: Backtest, ranked: list[Candidate]) -> Figure:
    """Return the error of the best candidate of each law against how far out a run lies."""
    total = len(ranked)
    firsts = {(c.law, *c.fix.items()): c for c in reversed(ranked)}
    ranked = [c for c in ranked if c in firsts.values()]
    ratios = np.concatenate([test.errors(c)[0] for c in ranked])
    edges = np.geomspace(1, max(float(ratios.max()), 1.5) * (1 + 1e-9), 7)
    middle = np.sqrt(edges[:-1] * edges[1:])
    layers = []
    for c in ranked[:MOST_LINES]:
        ratio, error = test.errors(c)
        place = np.clip(np.searchsorted(edges, ratio, "right") - 1, 0, middle.size - 1)
        there = np.unique(place)
        rms = np.array([np.sqrt((error[place == i] ** 2).mean()) for i in there])
        layers.append(Line(c.name, middle[there], 100 * rms, group=c.name))
    caption = "A form that is wrong drifts off as it is carried further."
    if len(layers) < total:
        caption += f" The best candidate of {len(layers)} laws is drawn, of {total} candidates."
    return Figure(
        "Error against extrapolation",
        Axis("times beyond the runs that were seen", ""),
        Axis("root mean square error", "%", log=True),
        tuple(layers),
        caption,
    )


def verdict(comparison: Comparison) -> Remark:
    """Return which law forecasts best, and whether that is noise."""
    best, total = comparison.standings[0], len(comparison.standings)
    text = f"{best.candidate.name} misses larger runs least, by {best.error:.2%} on average"
    rivals = sorted(
        {s.candidate.law for s in comparison.standings if s.tied} - {comparison.best.law}
    )
    if total == 1:
        return Remark(f"{text}; it was the only candidate", "info")
    if comparison.decisive:
        return Remark(f"{text}, and its lead over every other law is more than noise", "good")
    return Remark(
        f"{text}, but its lead over {', '.join(rivals)} may be noise: do not choose one, use the "
        "pooled forecast",
        "info",
    )


def said_of(forecast: Forecast, runs: Runs) -> tuple[Block, ...]:
    """Return the pooled forecast as a table."""
    unit = runs.conventions.get(forecast.quantity, "")
    row = (forecast.value, forecast.low, forecast.high, unit, forecast.beyond)
    where = ", ".join(f"{s} = {show(v)}" for s, v in forecast.at.items())
    columns = (forecast.quantity, "low", "high", "unit", "beyond the runs [times]")
    parts = ", ".join(forecast.parts)
    return (
        Heading("The pooled forecast"),
        *note_blocks(forecast.notes),
        Table(columns, (row,), f"at {where}; the interval of {forecast.level:.0%} holds {parts}"),
    )


def as_data(comparison: Comparison, forecast: Forecast | None) -> dict[str, Any]:
    """Return a comparison, and the pooled forecast if there is one, as JSON types."""
    return {
        "best": comparison.best.name,
        "decisive": comparison.decisive,
        "growth": comparison.growth,
        "standings": [
            {
                "candidate": s.candidate.name,
                "law": s.candidate.law,
                "objective": s.candidate.objective,
                "error": s.error,
                "rms": s.rms,
                "bias": s.bias,
                "growth": s.growth,
                "beats_first": s.better,
                "tied": s.tied,
                "weight": s.weight,
            }
            for s in comparison.standings
        ],
        "refused": refused_as_data(comparison.test),
        "doubts": texts(comparison.doubts),
        "forecast": None
        if forecast is None
        else {
            "quantity": forecast.quantity,
            "at": dict(forecast.at),
            "value": forecast.value,
            "low": forecast.low,
            "high": forecast.high,
            "level": forecast.level,
            "beyond": forecast.beyond,
            "parts": list(forecast.parts),
            "notes": texts(forecast.notes),
        },
    }


def refused_as_data(test: Backtest) -> list[dict[str, str]]:
    """Return the candidates that could not be tested as JSON types."""
    return [{"candidate": r.candidate.name, "reason": r.reason} for r in test.refused]
