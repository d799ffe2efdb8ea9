"""Carry a law to a run that has not been made: a value, an interval, and how far out it lies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from isoflop.assess.extrapolation.calibration import scatter
from isoflop.assess.extrapolation.pool import Pool
from isoflop.assess.identifiability import refuse_unsupported
from isoflop.assess.monotonicity import rising
from isoflop.errors import Note, RefusedByData, UsageError, brief
from isoflop.fitting import Fit, quantiles
from isoflop.fitting.trust import FormError
from isoflop.intervals import Model, beyond, fits_of, form_of, predictive, times_beyond
from isoflop.law import Published
from isoflop.quantities import amounts, refuse_impossible, refuse_level, show
from isoflop.report.display import Displayed, interval, number

__all__ = ["Forecast", "Forecasts", "Model", "beyond", "forecast", "predictive", "sound"]

SIZED = {"N", "D", "U", "C"}  # a loss that takes nothing else falls as any of them grows
FAR = 100.0  # beyond this factor published fits have missed without a sign in their intervals


@dataclass(frozen=True)
class Forecast(Displayed):
    """What a law says of `quantity` at the inputs `at`.

    `low` and `high` hold `level` of the predictive draws, which are made of `parts`: the scatter
    of "parameters", "noise" of the runs ("noise by scale" where the residuals show that it
    changes), error of the "form" beyond the runs, and the "choice" among pooled forms. Both are
    None, as is `beyond`, for published constants, which come without draws or runs. `beyond` is
    the largest factor by which an input, or N times D, exceeds every run behind the fit. `form`
    is how far the form may be off there, and what says so; None where there are no runs. `model`
    is what was asked.
    """

    quantity: str
    at: Mapping[str, float]
    value: float
    low: float | None
    high: float | None
    level: float
    beyond: float | None
    parts: tuple[str, ...]
    notes: tuple[Note, ...]
    model: Any = field(default=None, compare=False)
    form: FormError | None = None

    def _facts(self) -> Iterator[str]:
        yield f"{self.quantity}={interval(self)}"
        yield from (f"{symbol}={show(value)}" for symbol, value in self.at.items())
        if self.low is not None:
            yield f"level={self.level:g}"
        if self.beyond is not None:
            yield f"beyond={number(self.beyond)}"
        if doubts := [note.text for note in self.notes if note.kind != "info"]:
            yield f"doubtful: {brief(doubts[0], 90)[1:-1]}"


@dataclass(frozen=True)
class Forecasts(Displayed):
    """The forecasts of one model at several points, in the order that they were asked for."""

    points: tuple[Forecast, ...]

    def _facts(self) -> Iterator[str]:
        first, last = self.points[0], self.points[-1]
        yield f"{len(self.points):,} points"
        yield f"{first.quantity}={interval(first)} to {interval(last)}"
        yield from (f"{s}={show(first.at[s])} to {show(last.at[s])}" for s in first.at)


@overload
def forecast(
    model: Model | Published,
    *,
    level: float | None = None,
    growth: float | None = None,
    **at: float | str,
) -> Forecast: ...
@overload
def forecast(
    model: Model | Published,
    *,
    level: float | None = None,
    growth: float | None = None,
    **at: Any,
) -> Any: ...
@np.errstate(all="ignore")  # what has no value there is refused by name
def forecast(
    model: Model | Published,
    *,
    level: float | None = None,
    growth: float | None = None,
    **at: Any,
) -> Forecast | Forecasts:
    """Return the forecast of a fit, of a pool, or of published constants, at inputs by name.

    The interval holds the scatter of the draws, the noise of a run, and the error of the form:
    k log(beyond) in the log of the prediction. k is learnt by a quick backtest of the law on its
    own runs or, where they allow none, what forms usually err; `growth` states another, and 0
    leaves the form out. A pool brings its own, and the disagreement of its members; members that
    can say nothing there leave their weight to the others.

    Inputs may be texts such as "70B", and arrays (k,), which give `Forecasts` of k points.

    Raises UsageError for inputs that are missing, unknown or not above zero, RefusedByData for a
    fit that was refused, that its runs cannot support there, or whose loss rises with size there.
    """
    refuse_level(level)
    amount = {symbol: amounts(symbol, value) for symbol, value in at.items()}
    if any(np.ndim(value) for value in amount.values()):
        return _each(model, level, growth, amount)
    inputs = _inputs(model, amount)
    if not isinstance(model, Published):
        model = sound(model, inputs)
    value = _value(model, inputs)
    if not np.isfinite(value):
        raise RefusedByData(f"{_key(model)} has no value at {_written(inputs)}")
    if isinstance(model, Published):
        none = Note(
            "info", "no-interval", "published constants have no draws, so there is no interval"
        )
        notes = (*model.outside(inputs), none, *model.notes)
        return Forecast(
            quantity=model.binding.predicts,
            at=inputs,
            value=value,
            low=None,
            high=None,
            level=level or 0.9,
            beyond=None,
            parts=(),
            notes=notes,
            model=model,
        )
    reach = beyond(model, inputs)
    level = model.level if level is None else level
    form = form_of(model, growth) if model.draws is not None and reach > 1 else FormError(0.0)
    draws = predictive(model, form.growth, **{s: np.array([v]) for s, v in inputs.items()})
    low, high = quantiles(draws[:, 0], level) if draws is not None else (None, None)
    return Forecast(
        quantity=_predicts(model),
        at=inputs,
        value=value,
        low=low,
        high=high,
        level=level,
        beyond=reach,
        parts=() if draws is None else _parts(model, reach, form),
        notes=_notes(model, inputs, reach, form),
        model=model,
        form=form if draws is not None and reach > 1 else None,
    )


def _value(model: Model | Published, inputs: Mapping[str, float]) -> float:
    """Return the prediction; of a pool, the weighted mean of its members."""
    if isinstance(model, Pool):
        return float(np.ravel(model.predict(**inputs))[0])
    return float(np.asarray(model.law(**model.binding.arguments(inputs))))


def sound(model: Model, inputs: Mapping[str, float]) -> Model:
    """Return a model without the members that can say nothing at inputs, and notes of why.

    Raises RefusedByData if none is left.
    """
    if isinstance(model, Fit):
        _refuse(model, inputs)
        return model
    refusals: list[RefusedByData] = []

    def fault(fit: Fit[Any]) -> str | None:
        try:
            _refuse(fit, inputs)
        except RefusedByData as reason:
            refusals.append(reason)
            return str(reason)
        return None

    rest = model.able(fault, "the forecast")
    if rest is None:
        raise refusals[-1]
    return rest


def _refuse(fit: Fit[Any], inputs: Mapping[str, float]) -> None:
    """Refuse what a refused fit says, what its runs cannot support, and losses that rise."""
    if fit.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its forecast: {fit.notes[0]}")
    refuse_unsupported(fit, inputs)
    takes = fit.binding.takes
    if fit.binding.predicts != "L" or not set(takes) <= SIZED or times_beyond(fit, inputs)[0] <= 1:
        return
    if up := rising(fit.law, **fit.binding.arguments(inputs)):
        rises = " and ".join(takes[fit.law.takes.index(s)] for s in up)
        raise RefusedByData(
            f"{fit.law.key} rises with {rises} at {_written(inputs)}: it is carried too far to "
            "mean anything; ask nearer the runs, or fit a law that cannot bend back"
        )


def _parts(model: Model, reach: float, form: FormError) -> tuple[str, ...]:
    fits = fits_of(model)
    by_scale = any(scatter(fit).slope for fit in fits)
    parts = ["parameters", "noise by scale" if by_scale else "noise"]
    parts += ["form"] if form.growth and reach > 1 else []
    return (*parts, "choice") if len(fits) > 1 else tuple(parts)


def _predicts(model: Model) -> str:
    return model.binding.predicts


def _key(model: Model | Published) -> str:
    return "the pool" if isinstance(model, Pool) else str(model.law.key)


def _each(
    model: Model | Published, level: float | None, growth: float | None, at: Mapping[str, Any]
) -> Forecasts:
    """Return the forecast at each point of arrays (k,); a number is the same at every point.

    Raises UsageError for arrays that differ in length, hold no point, or have more dimensions.
    """
    try:
        columns = np.broadcast_arrays(*at.values())
    except ValueError:
        sizes = ", ".join(f"{symbol} {np.size(value)}" for symbol, value in at.items())
        raise UsageError(f"the inputs of a forecast differ in length: {sizes}") from None
    if columns[0].ndim != 1 or not columns[0].size:
        raise UsageError(f"inputs of shape {columns[0].shape}; give lists (k,) of at least 1 point")
    rows = (dict(zip(at, map(float, row), strict=True)) for row in zip(*columns, strict=True))
    return Forecasts(tuple(forecast(model, level=level, growth=growth, **row) for row in rows))


def _inputs(model: Model | Published, at: Mapping[str, float]) -> dict[str, float]:
    takes = model.binding.takes
    if unknown := sorted(set(at) - set(takes)):
        raise UsageError(f"{_key(model)} does not take {unknown[0]}; it takes {', '.join(takes)}")
    if missing := [s for s in takes if s not in at]:
        raise UsageError(f"{_key(model)} also needs {', '.join(missing)}")
    for symbol, value in at.items():
        if not (math.isfinite(value) and _is_signed(model, symbol)):
            refuse_impossible(symbol, value)
    return {s: float(at[s]) for s in takes}


def _is_signed(model: Model | Published, symbol: str) -> bool:
    """Return whether the runs behind a model show that an input may lie at or below zero."""
    fits = [] if isinstance(model, Published) else fits_of(model)
    return any(symbol in fit.runs and bool((fit.runs[symbol] <= 0).any()) for fit in fits)


def _notes(
    model: Model, inputs: Mapping[str, float], reach: float, form: FormError
) -> tuple[Note, ...]:
    notes = list(model.notes) if isinstance(model, Pool) or model.status != "ok" else []
    if model.draws is None:
        notes.append(
            Note("info", "no-interval", "the fit was made without draws, so there is no interval")
        )
    elif reach > 1:
        notes += form_notes(form)
    if reach > FAR:
        notes.append(
            Note(
                "doubt",
                "distance",
                f"{_written(inputs)} lies {show(reach)} times beyond the runs; laws carried that "
                f"far "
                "have missed by more than their intervals said",
            )
        )
    return tuple(notes)


def form_notes(form: FormError) -> tuple[Note, ...]:
    """Return what a reader must know of an error of the form that no backtest of the runs gave."""
    if not form.growth:
        text = (
            "the interval leaves out that the law may have the wrong form beyond its runs, as "
            "stated (growth 0)"
        )
        return (Note("info", "form", text),)
    if form.splits or form.reason == "as stated":
        return ()
    text = (
        f"how far the form may be off is what laws usually err, {form.growth:.1%} per factor e "
        f"beyond the runs, which allow no backtest of their own: {form.reason}"
    )
    return (Note("info", "form", text),)


def _written(inputs: Mapping[str, float]) -> str:
    return ", ".join(f"{s} = {show(v)}" for s, v in inputs.items())
