"""Carry a law to a run that has not been made: a value, an interval, and how far out it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.errors import RefusedByData, UsageError
from isoflop.fitting import Fit, quantiles
from isoflop.law import Published
from isoflop.quantities import show

Numbers = npt.NDArray[np.float64]

FAR = 100.0  # beyond this factor published fits have missed without a sign in their intervals
DENSE = 20_000  # draws of the predictive distribution, so that its quantiles are steady


@dataclass(frozen=True)
class Forecast:
    """What a law says of `quantity` at the inputs `at`.

    `low` and `high` hold `level` of the predictive draws, which are made of `parts`; they are
    None, as is `beyond`, for published constants, which come without draws or runs. `beyond` is
    the largest factor by which an input, or N times D, exceeds every run behind the fit.
    """

    quantity: str
    at: Mapping[str, float]
    value: float
    low: float | None
    high: float | None
    level: float
    beyond: float | None
    parts: tuple[str, ...]
    notes: tuple[str, ...]


def forecast(
    model: Fit[Any] | Published,
    *,
    level: float | None = None,
    growth: float | None = None,
    **at: float,
) -> Forecast:
    """Return the forecast of a fit, or of published constants, at inputs given by name.

    The interval of a fit holds the scatter of its draws and of its residuals. `growth`, a
    `Backtest.growth`, adds the error of the form: k log(beyond) in the log of the prediction.

    Raises UsageError for inputs that are missing, unknown or not above zero, RefusedByData for a
    fit that was refused.
    """
    inputs = _inputs(model, at)
    if level is not None and not 0 < level < 1:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, such as 0.9")
    value = float(np.asarray(model.law(**model.binding.arguments(inputs))))
    if not np.isfinite(value):
        raise RefusedByData(f"{model.law.key} has no value at {_written(inputs)}")
    if isinstance(model, Published):
        notes = ["published constants have no draws, so there is no interval", model.caution]
        return Forecast(
            model.binding.predicts, inputs, value, None, None, level or 0.9, None, (),
            tuple(filter(None, notes)),
        )  # fmt: skip
    if model.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its forecast: {model.notes[0]}")
    reach = beyond(model, inputs)
    level = model.level if level is None else level
    draws, parts = _predictive(model, inputs, reach, growth)
    low, high = quantiles(draws, level) if draws is not None else (None, None)
    return Forecast(
        model.binding.predicts, inputs, value, low, high, level, reach, parts,
        _notes(model, inputs, reach, growth),
    )  # fmt: skip


def beyond(fit: Fit[Any], inputs: Mapping[str, float]) -> float:
    """Return the largest factor by which an input, or N D, exceeds the runs; at least 1."""
    factors = [inputs[s] / float(np.max(fit.runs[s])) for s in fit.binding.takes]
    if {"N", "D"} <= set(fit.binding.takes):
        product = np.max(fit.runs["N"] * fit.runs["D"])
        factors.append(inputs["N"] * inputs["D"] / float(product))
    return max(1.0, *factors)


def predictive(fit: Fit[Any], growth: float | None = None, **inputs: Numbers) -> Numbers | None:
    """Return draws (s, k) of the law's prediction at inputs (k,), with noise and form error.

    None if the fit has no draws. Seeded by the fit's own seed.
    """
    if fit.draws is None:
        return None
    rng = np.random.default_rng(fit.seed)
    members = fit.draws.members or 1
    k = max(np.size(v) for v in inputs.values())
    rows = max(1, DENSE // members) * members if k == 1 else members
    mean_sk = np.asarray(fit.draws(**fit.binding.arguments(inputs)))
    mean_sk = np.resize(mean_sk, (rows, k)) if k == 1 else mean_sk
    noise_sk = -rng.choice(_spread(fit), (rows, k))
    if growth:
        reach_k = [
            beyond(fit, {s: float(np.resize(v, k)[i]) for s, v in inputs.items()}) for i in range(k)
        ]
        error_sk = growth * np.log(reach_k) * rng.standard_normal((rows, k))
        if fit.kind == "linear":
            error_sk = error_sk * np.abs(mean_sk)
        noise_sk = noise_sk + error_sk
    return np.asarray(mean_sk * np.exp(noise_sk) if fit.kind == "log" else mean_sk + noise_sk)


def _spread(fit: Fit[Any]) -> Numbers:
    """Return residuals, widened for the parameters that were spent on making them small."""
    n, p = len(fit.runs), len(fit.free)
    return np.asarray(fit.residuals * np.sqrt(n / max(n - p, 1)))


def _predictive(
    fit: Fit[Any], inputs: Mapping[str, float], reach: float, growth: float | None
) -> tuple[Numbers | None, tuple[str, ...]]:
    draws = predictive(fit, growth, **{s: np.array([v]) for s, v in inputs.items()})
    if draws is None:
        return None, ()
    parts = ["parameters", "noise", *(["form"] if growth and reach > 1 else [])]
    return draws[:, 0], tuple(parts)


def _inputs(model: Fit[Any] | Published, at: Mapping[str, float]) -> dict[str, float]:
    takes = model.binding.takes
    if unknown := sorted(set(at) - set(takes)):
        raise UsageError(f"{model.law.key} does not take {unknown[0]}; it takes {', '.join(takes)}")
    if missing := [s for s in takes if s not in at]:
        raise UsageError(f"{model.law.key} also needs {', '.join(missing)}")
    for symbol, value in at.items():
        if not (np.isfinite(value) and value > 0):
            raise UsageError(f"{symbol} is {value}; it must be finite and above zero")
    return {s: float(at[s]) for s in takes}


def _notes(
    fit: Fit[Any], inputs: Mapping[str, float], reach: float, growth: float | None
) -> tuple[str, ...]:
    notes = list(fit.notes) if fit.status != "ok" else []
    if fit.draws is None:
        notes.append("the fit was made without draws, so there is no interval")
    elif growth is None and reach > 1:
        notes.append(
            "the interval holds the scatter of parameters and runs, not the chance that the law "
            "has the wrong form: a backtest measures that"
        )
    if reach > FAR:
        notes.append(
            f"{_written(inputs)} lies {show(reach)} times beyond the runs; laws carried that far "
            "have missed by more than their intervals said"
        )
    return tuple(notes)


def _written(inputs: Mapping[str, float]) -> str:
    return ", ".join(f"{s} = {show(v)}" for s, v in inputs.items())
