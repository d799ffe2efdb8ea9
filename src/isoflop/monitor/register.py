"""A forecast sealed before its run: what was said, by which law and data, when, and of what."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.pool import Pool
from isoflop.errors import BadStudy, RefusedByData, UsageError, brief
from isoflop.fitting import Fit
from isoflop.forecasting import Forecast, Model, forecast
from isoflop.law import Published
from isoflop.quantities import quantity, show
from isoflop.report.display import Displayed
from isoflop.store import JSON, Contents, SealedLine, SealedLog

# A fit or a pool, several of them, or several by the name of the metric that each forecasts.
Source: TypeAlias = Model | Published
Models: TypeAlias = Source | Sequence[Source] | Mapping[str, Source]

REGISTER = "register.jsonl"  # of a study folder, or of the current one
SCHEMA = 1
ALONG, FIRST_SHARE = 40, 0.01  # points of a curve, and the share of the tokens that it begins at
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SealedCurve:
    """The `value` of a metric, with its interval, at `tokens`; `basis` says what a point is."""

    basis: str
    tokens: tuple[float, ...]
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SealedForecast(Displayed):
    """What a law says of one metric, and what it stands on.

    `law` names the law, or the members of a pool; `parameters` are its numbers, of a pool none.
    `runs` are the runs behind it: how many, from where, and their SHA-256.
    """

    metric: str
    quantity: str
    unit: str
    value: float
    low: float
    high: float
    level: float
    beyond: float
    parts: tuple[str, ...]
    law: str
    parameters: Mapping[str, float]
    conventions: Mapping[str, str]
    runs: Mapping[str, Any]
    notes: tuple[str, ...]
    curve: SealedCurve | None


@dataclass(frozen=True, slots=True)
class Registered(Displayed):
    """Forecasts of one run, sealed: of which inputs, when, by which code; publish the `seal`.

    `path` is the register that holds them.
    """

    name: str
    at: Mapping[str, float]
    schedule: str
    forecasts: tuple[SealedForecast, ...]
    number: int
    time: str
    code: str
    seal: str
    previous: str
    path: str

    def forecast(self, metric: str | None = None) -> SealedForecast:
        """Return the forecast of a metric, or the only one.

        Raises UsageError for a metric that was not forecast, or that must be named.
        """
        metrics = [f.metric for f in self.forecasts]
        if metric is None and len(metrics) > 1:
            raise UsageError(f"{self.name} holds {', '.join(metrics)}; name one with --metric")
        name = metrics[0] if metric is None else metric
        if name not in metrics:
            raise UsageError(
                f"{self.name} has no metric {brief(name)}; it has {', '.join(metrics)}"
            )
        return self.forecasts[metrics.index(name)]


@dataclass(frozen=True, slots=True)
class Register(Displayed):
    """Every forecast of a register in order, and what is wrong with its file."""

    path: str
    entries: tuple[Registered, ...]
    contents: Contents

    def entry(self, name: str | None = None) -> Registered:
        """Return the first forecast of a run by its name, or the last of all.

        Raises UsageError for a name that is not there.
        """
        matches = [e for e in self.entries if e.name == name] if name else self.entries[-1:]
        if not matches:
            names = ", ".join(dict.fromkeys(e.name for e in self.entries)) or "nothing"
            raise UsageError(f"{self.path} holds no forecast of {brief(name)}; it holds {names}")
        return matches[0]


def register(
    models: Models,
    into: str | os.PathLike[str] = REGISTER,
    *,
    name: str | None = None,
    schedule: str = "",
    level: float | None = None,
    growth: float | None = None,
    **at: float,
) -> Registered:
    """Seal what models say of a run that has not been made, and return it with its seal.

    `into` is a file of JSON lines, made if it is not there, or a study folder. `models` may be
    several, by metric if two forecast the same quantity. `name` is the run's (its inputs unless
    given), by which a run is found when it is scored. `schedule` is kept as it is written. The
    curve is that of runs which end at fewer tokens, where a model takes D.

    Raises RefusedByData for a forecast without an interval, and what `isoflop.forecast` raises;
    BadStudy for a register that was changed.
    """
    by_metric = _by_metric(models)
    forecasts = tuple(
        sealed_forecast(metric, model, level, growth, at) for metric, model in by_metric.items()
    )
    inputs: dict[str, float] = {}
    for model in by_metric.values():
        inputs |= {s: float(at[s]) for s in _takes(model)}
    title = name or ", ".join(f"{s}={show(v)}" for s, v in inputs.items())
    if len(title) > LONGEST_NAME or not title.isprintable():
        raise UsageError(f"the name {brief(title)} is no name of a run; give a short one")
    document: dict[str, JSON] = {
        "schema": SCHEMA,
        "name": title,
        "at": inputs,
        "schedule": schedule,
        "forecasts": [asdict(f) for f in forecasts],
    }
    target = register_path(into)
    return _registered(SealedLog(target).append(document), target)


def register_path(path: str | os.PathLike[str]) -> Path:
    """Return the file of a register: itself, or that of a study folder.

    Raises UsageError for a folder that is no study.
    """
    target = Path(path)
    if not target.is_dir():
        return target
    if not (target / "study.db").exists() and not (target / REGISTER).exists():
        raise UsageError(f"{target} is a folder and no study; name a file in it: {REGISTER}")
    return target / REGISTER


def read_register(path: str | os.PathLike[str], seal: str | None = None) -> Register:
    """Return the forecasts of a register, and its faults; `seal` is one that was published.

    Raises BadStudy for a file that cannot be read, or whose lines are of another schema.
    """
    target = register_path(path)
    contents = SealedLog(target).read(seal)
    entries = tuple(_registered(line, target) for line in contents.lines)
    return Register(str(target), entries, contents)


def _by_metric(models: Models) -> dict[str, Source]:
    if isinstance(models, Mapping):
        chosen = dict(models)
    else:
        several = [models] if isinstance(models, Fit | Pool | Published) else list(models)
        names = [_quantity(model) for model in several]
        if twice := [n for n in names if names.count(n) > 1]:
            raise UsageError(
                f"two models forecast {twice[0]}; say what each is of, one --metric for each"
            )
        chosen = dict(zip(names, several, strict=True))
    if not chosen:
        raise UsageError("there is nothing to register: give a fit")
    return chosen


def sealed_forecast(
    metric: str, model: Source, level: float | None, growth: float | None, at: Mapping[str, float]
) -> SealedForecast:
    """Return the forecast of one metric with all that it stands on; see `register`."""
    takes = _takes(model)
    inputs = {s: v for s, v in at.items() if s in takes}
    result = forecast(model, level=level, growth=growth, **inputs)
    if result.low is None or result.high is None or result.beyond is None:
        raise RefusedByData(
            f"{_law(model)} comes without draws, so its forecast has no interval and nothing that "
            "could be held against a run; register a fit with draws"
        )
    if not all(map(math.isfinite, (result.value, result.low, result.high))):
        raise RefusedByData(f"the forecast of {metric} is not finite at these inputs")
    fits = _fits(model)
    conventions = dict(fits[0].conventions)
    return SealedForecast(
        metric=metric,
        quantity=result.quantity,
        unit=conventions.get(result.quantity, quantity(result.quantity).unit),
        value=result.value,
        low=result.low,
        high=result.high,
        level=result.level,
        beyond=result.beyond,
        parts=result.parts,
        law=_law(model),
        parameters={k: float(v) for k, v in fits[0].law.values.items()} if len(fits) == 1 else {},
        conventions=conventions,
        runs={
            "count": len(fits[0].runs),
            "origin": fits[0].runs.origin,
            "sha256": fits[0].runs.digest,
        },
        notes=tuple(map(str, result.notes)),
        curve=_curve(model, growth, result),
    )


def _curve(model: Source, growth: float | None, result: Forecast) -> SealedCurve | None:
    """Return what the model says of runs that end at fewer tokens; None if it takes no D."""
    if "D" not in result.at or isinstance(model, Published):
        return None
    end = result.at["D"]
    tokens = np.geomspace(FIRST_SHARE * end, end, ALONG)
    inputs: dict[str, Numbers] = {s: np.full(ALONG, v) for s, v in result.at.items()}
    if "C" in inputs and "N" in inputs:
        return None  # C goes with D, and who can say how
    try:
        points = forecast(
            model, level=result.level, growth=growth, **{**inputs, "D": tokens}
        ).points
    except RefusedByData:  # a few tokens are too few for the law
        return None
    ends = [(p.value, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    if len(ends) < ALONG or not np.isfinite(ends).all():
        return None
    value, low, high = zip(*ends, strict=True)
    return SealedCurve(
        "each point is a run of its own that ends there, its rate decayed",
        tuple(tokens.tolist()),
        value,
        low,
        high,
    )


def _registered(line: SealedLine, path: Path) -> Registered:
    document = line.document
    if document.get("schema") != SCHEMA:
        raise BadStudy(
            f"line {line.number} of the register has schema {document.get('schema')!r}; this "
            f"isoflop reads {SCHEMA}"
        )
    try:
        forecasts = tuple(
            SealedForecast(**{**f, "curve": _curve_of(f["curve"])}) for f in document["forecasts"]
        )
        return Registered(
            name=document["name"],
            at=document["at"],
            schedule=document["schedule"],
            forecasts=forecasts,
            number=line.number,
            time=line.time,
            code=line.code,
            seal=line.sha256,
            previous=line.previous,
            path=str(path),
        )
    except (KeyError, TypeError) as error:
        raise BadStudy(f"line {line.number} of the register is no forecast: {error!r}") from None


def _curve_of(document: Mapping[str, Any] | None) -> SealedCurve | None:
    return None if document is None else SealedCurve(**document)


def _fits(model: Source) -> list[Fit[Any]]:
    if isinstance(model, Published):
        raise RefusedByData(
            f"{model.key} are published constants, without runs and without an interval: nothing "
            "that could be held against a run; register a fit with draws"
        )
    return [m.fit for m in model.members] if isinstance(model, Pool) else [model]


def _takes(model: Source) -> tuple[str, ...]:
    _fits(model)
    return model.takes if isinstance(model, Pool) else tuple(model.binding.takes)


def _quantity(model: Source) -> str:
    _fits(model)
    return model.predicts if isinstance(model, Pool) else model.binding.predicts


def _law(model: Source) -> str:
    keys = [fit.law.key for fit in _fits(model)]
    return keys[0] if len(keys) == 1 else f"pool of {', '.join(dict.fromkeys(keys))}"
