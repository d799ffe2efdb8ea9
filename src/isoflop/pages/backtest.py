"""What laws fitted to the smaller runs say of the larger, and whether intervals hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.assess import Backtest, Candidate
from isoflop.assess.audit.consistency import doubts
from isoflop.errors import Notes, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.pages.compare import (
    error_by_ratio,
    percent,
    refusals,
    refused_as_data,
    splits_in_words,
)
from isoflop.report import (
    Axis,
    Block,
    Cell,
    ErrorBar,
    Figure,
    Layer,
    Line,
    Report,
    Table,
    note_blocks,
)

if TYPE_CHECKING:
    from isoflop.assess.extrapolation.calibration import Reached
    from isoflop.runs import Runs


MOST_SHOWN = 40  # held-out runs in a figure


@shows(Backtest)
def page_of(test: Backtest) -> Report:
    """Return a backtest as a report: errors overall and by distance, and the forecasts made."""
    data_doubts, reaches = doubts(test.runs), reached_of(test)
    blocks: list[Block] = [
        *note_blocks((*data_doubts, *test.notes)),
        overall(test),
        by_ratio(reaches, test.level),
        *refusals(test),
        error_by_ratio(test, list(test.candidates)),
        forecasts(test, test.runs),
    ]
    best = test.candidates[0]
    answer = f"{best.name} forecasts larger runs best, to {test.rms(best):.2%} (root mean square)"
    title = f"Backtest on {len(test.runs):,} runs of {test.runs.origin}"
    data = as_data(test, reaches, data_doubts)
    return Report(title, tuple(blocks), data, answer=answered(answer, blocks))


def forecasts(test: Backtest, runs: Runs) -> Figure:
    """Return what the best candidate forecast of held-out runs, with intervals, and what came."""
    from isoflop.assess.extrapolation.backtest import in_order
    from isoflop.assess.extrapolation.calibration import half_width, said

    best = test.candidates[0]
    mine = test.of(best)
    one = mine[len(mine) // 2]
    learnt = [said(h) for h in mine if h is not one]
    half = half_width(learnt, said(one), test.level)
    symbol = best.binding.predicts
    truth = in_order(runs)[symbol][one.run]
    value = truth * np.exp(one.error)
    order = np.argsort(truth)
    order_shown = order[
        np.unique(np.linspace(0, truth.size - 1, min(MOST_SHOWN, truth.size)).round().astype(int))
    ]
    layers: list[Layer] = [
        ErrorBar(
            "forecast",
            float(truth[i]),
            float(value[i]),
            float(value[i] * np.exp(-half[i])),
            float(value[i] * np.exp(half[i])),
            group="forecast",
        )
        for i in order_shown
    ]
    ends = np.array([truth.min(), truth.max()])
    layers.append(Line("what came", ends, ends, "reference"))
    unit = Axis.of(symbol, runs.conventions.get(symbol)).unit
    return Figure(
        f"Forecasts of held-out runs by {best.name}",
        Axis(f"{symbol}: what came", unit),
        Axis(f"{symbol}: forecast", unit),
        tuple(layers),
        f"Fitted to {one.split.name} alone; an interval that crosses the line held what came. "
        f"Intervals of {test.level:.0%}, the error of the form learnt from the other splits.",
    )


def reached_of(test: Backtest) -> list[tuple[Candidate, tuple[Reached, ...]]]:
    """Return, of every candidate, its errors and coverage by times beyond the train runs."""
    from isoflop.assess.extrapolation.calibration import reached

    return [(c, reached(test, c)) for c in test.candidates]


def overall(test: Backtest) -> Table:
    """Return the error and bias of every candidate over all splits."""
    rows: list[tuple[Cell, ...]] = [
        (c.name, percent(test.rms(c)), percent(test.bias(c))) for c in test.candidates
    ]
    return Table(
        ("candidate", "rms error [%]", "bias [%]"),
        tuple(rows),
        f"Best first. {splits_in_words(test)}",
    )


def by_ratio(reached: list[tuple[Candidate, tuple[Reached, ...]]], level: float) -> Table:
    """Return error, bias and coverage by times beyond the train runs."""
    rows: list[tuple[Cell, ...]] = [
        (
            c.name,
            _span(r),
            r.count,
            percent(r.rms),
            percent(r.bias),
            *("" if share is None else f"{share:.0%}" for share in (r.alone, r.calibrated)),
        )
        for c, bins in reached
        for r in bins
    ]
    return Table(
        ("candidate", "beyond", "runs", "rms [%]", "bias [%]", "fit alone", "calibrated"),
        tuple(rows),
        "By times beyond the runs that were seen. The last columns say how many truths an "
        f"interval of {level:.0%} held: that of the fit alone, and one that adds the error of the "
        "form as the other splits show it.",
    )


def _span(r: Reached) -> str:
    return f"over {r.low:g}" if np.isinf(r.high) else f"{r.low:g} to {r.high:g}"


def as_data(
    test: Backtest, reached: list[tuple[Candidate, tuple[Reached, ...]]], notes: Notes
) -> dict[str, Any]:
    """Return a backtest as JSON types."""
    return {
        "along": list(test.axes),
        "level": test.level,
        "candidates": [
            {
                "candidate": c.name,
                "rms": test.rms(c),
                "bias": test.bias(c),
                "by_ratio": [
                    {
                        "low": r.low,
                        "high": None if np.isinf(r.high) else r.high,
                        "runs": r.count,
                        "rms": r.rms,
                        "bias": r.bias,
                        "alone": r.alone,
                        "calibrated": r.calibrated,
                    }
                    for r in bins
                ],
            }
            for c, bins in reached
        ],
        "refused": refused_as_data(test),
        "doubts": texts(notes),
    }
