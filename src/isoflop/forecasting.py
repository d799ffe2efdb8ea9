"""Carry a law to a run that has not been made: a value, an interval, and how far out it lies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.calibration import scatter
from isoflop.assess.extrapolation.comparison import Member, Pooled
from isoflop.assess.extrapolation.splits import reach as _beyond
from isoflop.assess.identifiability import refuse_unsupported
from isoflop.assess.monotonicity import rising
from isoflop.errors import Note, RefusedByData, UsageError, brief
from isoflop.fitting import Fit, quantiles
from isoflop.law import Published
from isoflop.quantities import refuse_impossible, refuse_level, show
from isoflop.report.display import Displayed, interval, number

Model: TypeAlias = Fit[Any] | Pooled

SIZED = {"N", "D", "U", "C"}  # a loss that takes nothing else falls as any of them grows
FAR = 100.0  # beyond this factor published fits have missed without a sign in their intervals
DENSE = 20_000  # draws of a predictive distribution, so that its quantiles are steady
SPARSE = 2_000  # draws at each of many points, as of a curve


@dataclass(frozen=True)
class Forecast(Displayed):
    """What a law says of `quantity` at the inputs `at`.

    `low` and `high` hold `level` of the predictive draws, which are made of `parts`: the scatter
    of "parameters", "noise" of the runs ("noise by scale" where the residuals show that it
    changes), error of the "form" beyond the runs, and the "choice" among pooled forms. Both are
    None, as is `beyond`, for published constants, which come without draws or runs. `beyond` is
    the largest factor by which an input, or N times D, exceeds every run behind the fit. `model`
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
    model: Any = None

    def _facts(self) -> Iterator[str]:
        yield f"{self.quantity}={interval(self)}"
        yield from (f"{symbol}={show(value)}" for symbol, value in self.at.items())
        if self.low is not None:
            yield f"level={self.level:g}"
        if self.beyond is not None:
            yield f"beyond={number(self.beyond)}"
        if doubts := [note.text for note in self.notes if note.kind != "info"]:
            yield f"doubtful: {brief(doubts[0], 90)[1:-1]}"


@np.errstate(all="ignore")  # what has no value there is refused by name
def forecast(
    model: Model | Published,
    *,
    level: float | None = None,
    growth: float | None = None,
    **at: float,
) -> Forecast:
    """Return the forecast of a fit, of a pool, or of published constants, at inputs by name.

    The interval of a fit holds the scatter of its draws and of its residuals. `growth`, from
    `assess.calibrate` or of a standing, adds the error of the form: k log(beyond) in the log of
    the prediction. A pool brings its own, and the disagreement of its members; members that can
    say nothing there leave their weight to the others.

    Raises UsageError for inputs that are missing, unknown or not above zero, RefusedByData for a
    fit that was refused, that its runs cannot support there, or whose loss rises with size there.
    """
    inputs = _inputs(model, at)
    refuse_level(level)
    model = _sound(model, inputs)
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
    growth = model.growth if growth is None and isinstance(model, Pooled) else growth
    draws = predictive(model, growth, **{s: np.array([v]) for s, v in inputs.items()})
    low, high = quantiles(draws[:, 0], level) if draws is not None else (None, None)
    return Forecast(
        quantity=_predicts(model),
        at=inputs,
        value=value,
        low=low,
        high=high,
        level=level,
        beyond=reach,
        parts=() if draws is None else _parts(model, reach, growth),
        notes=_notes(model, inputs, reach, growth),
        model=model,
    )


def beyond(model: Model, inputs: Mapping[str, float]) -> float:
    """Return the largest factor by which an input, or N D, exceeds the runs; at least 1."""
    return max(float(_reach(fit, inputs)[0]) for fit in _fits(model))


@np.errstate(all="ignore")
def predictive(model: Model, growth: float | None = None, **inputs: Numbers) -> Numbers | None:
    """Return draws (s, k) of the prediction at inputs (k,), with noise and form error.

    A pool's draws come from its members by weight, with its own growth unless one is given.
    None if a fit has no draws. Seeded by the model's own seed.
    """
    k = max(np.size(v) for v in inputs.values())
    columns = {s: np.resize(np.asarray(v, float), k) for s, v in inputs.items()}
    if isinstance(model, Pooled):
        growth = model.growth if growth is None else growth
        total = DENSE if k == 1 else SPARSE
        parts = [
            _draws(m.fit, growth, columns, max(1, round(total * m.weight)), model.seed + i)
            for i, m in enumerate(model.members)
        ]
        draws = [p for p in parts if p is not None]
        return np.concatenate(draws) if len(draws) == len(parts) else None
    if model.draws is None:
        return None
    members = model.draws.members or 1
    rows = max(1, DENSE // members) * members if k == 1 else members
    return _draws(model, growth, columns, rows, model.seed)


def _draws(
    fit: Fit[Any], growth: float | None, inputs: Mapping[str, Numbers], rows: int, seed: int
) -> Numbers | None:
    """Return draws (rows, k) of one fit."""
    if fit.draws is None:
        return None
    rng = np.random.default_rng(seed)
    mean_sk = np.asarray(fit.draws(**fit.binding.arguments(inputs)))
    mean_sk = mean_sk[np.arange(rows) % len(mean_sk)]
    noise_sk = -scatter(fit).draw(rng, rows, inputs)
    if growth:
        distance_k = np.log(_reach(fit, inputs))
        error_sk = growth * distance_k * rng.standard_normal(noise_sk.shape)
        noise_sk = noise_sk + (error_sk * np.abs(mean_sk) if fit.kind == "linear" else error_sk)
    return np.asarray(mean_sk * np.exp(noise_sk) if fit.kind == "log" else mean_sk + noise_sk)


def _reach(fit: Fit[Any], inputs: Mapping[str, Any]) -> Numbers:
    """Return how far beyond the runs of a fit inputs lie, (k,)."""
    takes = fit.binding.takes
    return _beyond(
        {s: fit.runs[s] for s in takes}, {s: np.atleast_1d(inputs[s]).astype(float) for s in takes}
    )


def _value(model: Model | Published, inputs: Mapping[str, float]) -> float:
    """Return the prediction; of a pool, the weighted geometric mean of its members."""
    if isinstance(model, Pooled):
        values = [_value(m.fit, inputs) for m in model.members]
        weights = [m.weight for m in model.members]
        return float(np.exp(np.average(np.log(values), weights=weights)))
    return float(np.asarray(model.law(**model.binding.arguments(inputs))))


def _sound(model: Model | Published, inputs: Mapping[str, float]) -> Model | Published:
    """Return a model without the members that can say nothing at inputs, and notes of why.

    Raises RefusedByData if none is left.
    """
    if isinstance(model, Published):
        return model
    if isinstance(model, Fit):
        _refuse(model, inputs)
        return model
    selection: list[Member] = []
    notes = []
    for member in model.members:
        try:
            _refuse(member.fit, inputs)
            selection.append(member)
        except RefusedByData as reason:
            notes.append(
                Note(
                    "doubt",
                    "left-out",
                    f"{member.candidate.name} is left out of the forecast: {reason}",
                )
            )
            refused = reason
    if not selection:
        raise refused
    total = sum(m.weight for m in selection)
    members = tuple(replace(m, weight=m.weight / total) for m in selection)
    return replace(model, members=members, notes=(*model.notes, *notes))


def _refuse(fit: Fit[Any], inputs: Mapping[str, float]) -> None:
    """Refuse what a refused fit says, what its runs cannot support, and losses that rise."""
    if fit.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its forecast: {fit.notes[0]}")
    refuse_unsupported(fit, inputs)
    takes = fit.binding.takes
    if fit.binding.predicts != "L" or not set(takes) <= SIZED or _reach(fit, inputs)[0] <= 1:
        return
    if up := rising(fit.law, **fit.binding.arguments(inputs)):
        rises = " and ".join(takes[fit.law.takes.index(s)] for s in up)
        raise RefusedByData(
            f"{fit.law.key} rises with {rises} at {_written(inputs)}: it is carried too far to "
            "mean anything; ask nearer the runs, or fit a law that cannot bend back"
        )


def _parts(model: Model, reach: float, growth: float | None) -> tuple[str, ...]:
    fits = _fits(model)
    by_scale = any(scatter(fit).slope for fit in fits)
    parts = ["parameters", "noise by scale" if by_scale else "noise"]
    parts += ["form"] if growth and reach > 1 else []
    return (*parts, "choice") if len(fits) > 1 else tuple(parts)


def _fits(model: Model) -> list[Fit[Any]]:
    """Return the fits behind a forecast."""
    return [m.fit for m in model.members] if isinstance(model, Pooled) else [model]


def _predicts(model: Model) -> str:
    return model.predicts if isinstance(model, Pooled) else model.binding.predicts


def _key(model: Model | Published) -> str:
    return "the pool" if isinstance(model, Pooled) else str(model.law.key)


def _inputs(model: Model | Published, at: Mapping[str, float]) -> dict[str, float]:
    takes = model.takes if isinstance(model, Pooled) else model.binding.takes
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
    fits = [] if isinstance(model, Published) else _fits(model)
    return any(symbol in fit.runs and bool((fit.runs[symbol] <= 0).any()) for fit in fits)


def _notes(
    model: Model, inputs: Mapping[str, float], reach: float, growth: float | None
) -> tuple[Note, ...]:
    notes = list(model.notes) if isinstance(model, Pooled) or model.status != "ok" else []
    if any(fit.draws is None for fit in _fits(model)):
        notes.append(
            Note("info", "no-interval", "the fit was made without draws, so there is no interval")
        )
    elif growth is None and reach > 1:
        notes.append(
            Note(
                "info",
                "form",
                "the interval holds the scatter of parameters and runs, not the chance that the "
                "law "
                "has the wrong form: a backtest measures that",
            )
        )
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


def _written(inputs: Mapping[str, float]) -> str:
    return ", ".join(f"{s} = {show(v)}" for s, v in inputs.items())
