"""The pass-rate law of several models: what it rests on, and what it forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.downstream.pass_rate import PassRateLaw
from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate, times_beyond
from isoflop.quantities import show
from isoflop.report import Axis, Band, Block, Figure, Line, Points, Report, Table, note_blocks

STEPS = 60  # points of the line


@shows(PassRateLaw)
def page_of(result: PassRateLaw) -> Report:
    """Return the law as a report: models, exponents by difficulty, forecast."""
    blocks: list[Block] = [
        *note_blocks(result.notes),
        *note_blocks(() if result.forecast is None else result.forecast.notes),
        _models(result),
        _laws(result),
        _figure(result),
    ]
    answer = answered(_answer(result), blocks)
    return Report("The pass-rate law", tuple(blocks), as_data(result), answer=answer)


def _answer(result: PassRateLaw) -> str:
    law = result.fit.law
    low, high = _interval(result, "alpha")
    count = int(result.measured.used.sum())
    words = (
        f"-ln of the pass rate falls as C^-{estimate(float(law.alpha), low, high)} over the "
        f"{count} problems that all {result.counts.C.size} models solve"
    )
    prediction = result.forecast
    if prediction is None:
        return words
    rate = estimate(*_rates(prediction))
    far = times_beyond(prediction.beyond)
    return f"At {show(_at(result))} FLOP the pass rate is {rate}{far}: {words}"


def _at(result: PassRateLaw) -> float:
    return float((result.forecast.at if result.forecast else {}).get("C", np.nan))


def _rates(prediction: Any) -> tuple[float, float | None, float | None]:
    """Return the pass rate of a forecast, a geometric mean, and its interval."""
    low, high = (
        None if x is None else float(np.exp(-x)) for x in (prediction.high, prediction.low)
    )
    return float(np.exp(-prediction.value)), low, high


def _interval(result: PassRateLaw, name: str) -> tuple[float | None, float | None]:
    if result.fit.draws is None:
        return None, None
    low, high = result.fit.interval(name)
    return float(low), float(high)


def _models(result: PassRateLaw) -> Table:
    c, line = result.counts, np.asarray(result.fit.law(result.counts.C))
    rows = tuple(
        (float(C), float(m), float(np.exp(-m)), float(on_line))
        for C, m, on_line in zip(c.C, result.measured.mlpr, line, strict=True)
    )
    return Table(
        ("C [FLOP]", "-mean ln(pass rate)", "pass rate, geometric mean", "the law"),
        rows,
        f"Over the {int(result.measured.used.sum())} of {result.measured.used.size} problems that "
        "every model solves at least once.",
    )


def _laws(result: PassRateLaw) -> Table:
    parts = [("all", result)]
    parts += [(f"{i}, {_words(i, result)}", part) for i, part in enumerate(result.buckets, 1)]
    rows = []
    for name, part in parts:
        prediction = part.forecast
        rate = (None, None, None) if prediction is None else _rates(prediction)
        rows.append(
            (
                name,
                int(part.measured.used.sum()),
                float(part.fit.law.alpha),
                *_interval(part, "alpha"),
                *rate,
            )
        )
    names = ("bucket", "problems", "alpha", "low", "high")
    return Table((*names, "pass rate at C", "low", "high"), tuple(rows), "A / C^alpha, by bucket.")


def _words(i: int, result: PassRateLaw) -> str:
    return "easiest" if i == 1 else "hardest" if i == len(result.buckets) else "between"


def _figure(result: PassRateLaw) -> Figure:
    C, mlpr = result.counts.C, result.measured.mlpr
    far = max(float(C.max()), _at(result) if result.forecast else 0.0)
    line = np.geomspace(float(C.min()), far, STEPS)
    layers: list[Any] = [
        Points("models", C, mlpr),
        Line("A / C^alpha", line, np.asarray(result.fit.law(line))),
    ]
    prediction = result.forecast
    if prediction is not None and prediction.low is not None and prediction.high is not None:
        ends = np.array([_at(result)])
        low, high = np.array([prediction.low]), np.array([prediction.high])
        layers.append(Band("forecast", ends, low, high))
    return Figure("Mean log pass rate", Axis.of("C"), Axis.of("mlpr"), tuple(layers))


def as_data(result: PassRateLaw) -> dict[str, Any]:
    """Return the law, its models and its forecast as JSON types."""
    prediction = result.forecast
    low, high = _interval(result, "alpha")
    rate = None
    if prediction is not None:
        rate = dict(zip(("value", "low", "high"), _rates(prediction), strict=True))
    return {
        "problems": int(result.measured.used.sum()),
        "C": [float(c) for c in result.counts.C],
        "mlpr": [float(m) for m in result.measured.mlpr],
        "alpha": {"value": float(result.fit.law.alpha), "low": low, "high": high},
        "at": None if prediction is None else _at(result),
        "pass_rate": rate,
        "buckets": [as_data(part) for part in result.buckets],
        "notes": texts(result.notes),
    }
