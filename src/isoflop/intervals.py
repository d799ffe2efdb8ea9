"""How wide an answer is: draws of parameters, noise of the runs, and error of the form.

This is the one place where an interval is made, so that a forecast and a plan of the same run
have the same. Suffixes: s draws, k inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.calibration import scatter
from isoflop.assess.extrapolation.form_error import form_error, stated
from isoflop.assess.extrapolation.learnt import LEARNT, PoolConstants
from isoflop.assess.extrapolation.mixture import PooledDraws
from isoflop.assess.extrapolation.pool import Pool
from isoflop.assess.extrapolation.splits import reach as _beyond
from isoflop.fitting import Fit
from isoflop.fitting.trust import FormError

Model: TypeAlias = Fit[Any] | Pool

DENSE = 20_000  # draws of a predictive distribution, so that its quantiles are steady
SPARSE = 2_000  # draws at each of many points, as of a curve


def form_of(model: Model, growth: float | None = None) -> FormError:
    """Return how far the form of a model may be off: as stated, as pooled, or as learnt."""
    by_hand = stated(growth)
    if by_hand is not None:
        return by_hand
    return model.form if isinstance(model, Pool) else form_error(model)


def fits_of(model: Model) -> tuple[Fit[Any], ...]:
    """Return the fits behind an answer."""
    return model.fits if isinstance(model, Pool) else (model,)


def beyond(model: Model, inputs: Mapping[str, float]) -> float:
    """Return the largest factor by which an input, or N D, exceeds the runs; at least 1."""
    return max(float(times_beyond(fit, inputs)[0]) for fit in fits_of(model))


def times_beyond(fit: Fit[Any], inputs: Mapping[str, Any]) -> Numbers:
    """Return how far beyond the runs of a fit inputs lie, (k,)."""
    takes = fit.binding.takes
    return _beyond(
        {s: fit.runs[s] for s in takes}, {s: np.atleast_1d(inputs[s]).astype(float) for s in takes}
    )


def predictive(model: Model, growth: float | None = None, **inputs: Numbers) -> Numbers | None:
    """Return draws (s, k) of a run at inputs (k,), with noise and the error of the form.

    A pool's draws come from its members by weight. `growth` stands for the error of the form,
    which is learnt unless it is given; 0 leaves it out. None if a fit has no draws. Seeded by the
    model's own seed.
    """
    return predictive_at(model, inputs, growth)


@np.errstate(all="ignore")
def predictive_at(
    model: Model,
    inputs: Mapping[str, Numbers],
    growth: float | None = None,
    constants: PoolConstants = LEARNT,
) -> Numbers | None:
    """Return what `predictive` does, by other constants than those that were learnt."""
    if model.draws is None:
        return None
    k = max(np.size(v) for v in inputs.values())
    columns = {s: np.resize(np.asarray(v, float), k) for s, v in inputs.items()}
    fits = fits_of(model)
    binding = fits[0].binding if len(fits) == 1 else model.binding
    mean_sk = np.asarray(model.draws(**binding.arguments(columns)))
    return spread(model, form_of(model, growth).growth, mean_sk, columns, constants)


@np.errstate(all="ignore")
def spread(
    model: Model,
    growth: float,
    mean_sk: Numbers,
    inputs: Mapping[str, Numbers],
    constants: PoolConstants = LEARNT,
) -> Numbers:
    """Return what runs would come to at inputs (k,) about the means (s, k) of the draws there.

    Of the variance between the members of a pool a share is taken, as `constants` say. Of one
    point there are some `DENSE` rows, of several as many as there are draws.
    """
    k = mean_sk.shape[1]
    times = max(1, DENSE // len(mean_sk)) if k == 1 else 1
    parts = []
    for i, (fit, start, end) in enumerate(_rows_of(model)):
        rng = np.random.default_rng(model.seed + i)
        mean_rk = np.tile(mean_sk[start:end], (times, 1))
        if isinstance(model, Pool):
            mean_rk = _drawn_together(model, fit, mean_rk, inputs, constants.disagreement)
        error_rk = _errors(fit, growth, mean_rk, inputs, rng, constants)
        parts.append(mean_rk * np.exp(error_rk) if fit.kind == "log" else mean_rk + error_rk)
    return np.concatenate(parts)


def _drawn_together(
    pool: Pool,
    fit: Fit[Any],
    mean_rk: Numbers,
    inputs: Mapping[str, Numbers],
    disagreement: float,
) -> Numbers:
    """Return the means of a member moved towards those of its pool, which keep that variance."""
    apart = np.sqrt(disagreement) - 1
    member_k = fit.predict(**{s: inputs[s] for s in fit.binding.takes})
    pool_k = pool.predict(**{s: inputs[s] for s in pool.takes})
    if fit.kind == "linear":
        return np.asarray(mean_rk + apart * (member_k - pool_k))
    return np.asarray(mean_rk * (member_k / pool_k) ** apart)


@np.errstate(all="ignore")
def errors(model: Model, growth: float, inputs: Mapping[str, float], mean: float) -> Numbers:
    """Return one error (s,) of a run at inputs for each draw, as a log, about a mean prediction."""
    columns = {s: np.atleast_1d(np.asarray(v, float)) for s, v in inputs.items()}
    parts = []
    for i, (fit, start, end) in enumerate(_rows_of(model)):
        rng = np.random.default_rng(model.seed + i)
        mean_r1 = np.full((end - start, 1), mean)
        error_r1 = _errors(fit, growth, mean_r1, columns, rng, LEARNT)
        parts.append(error_r1 if fit.kind == "log" else np.log1p(error_r1 / mean_r1))
    return np.concatenate(parts)[:, 0]


def _errors(
    fit: Fit[Any],
    growth: float,
    mean_rk: Numbers,
    inputs: Mapping[str, Numbers],
    rng: np.random.Generator,
    constants: PoolConstants,
) -> Numbers:
    """Return noise and error of the form (r, k), on the scale of the residuals of a fit."""
    error_rk = -scatter(fit, constants).draw(rng, len(mean_rk), inputs)
    if growth:
        distance_k = np.log(times_beyond(fit, inputs))
        form_rk = growth * distance_k * rng.standard_normal(error_rk.shape)
        error_rk = error_rk + (form_rk * np.abs(mean_rk) if fit.kind == "linear" else form_rk)
    return np.asarray(error_rk)


def _rows_of(model: Model) -> Iterator[tuple[Fit[Any], int, int]]:
    """Yield every fit behind the draws of a model, and which rows of them are its own."""
    if isinstance(model, Fit):
        yield model, 0, (model.draws.members or 1) if model.draws is not None else 0
        return
    counts = model.draws.counts if isinstance(model.draws, PooledDraws) else None
    start = 0
    for i, fit in enumerate(model.fits):
        count = counts[i] if counts else (model.draws.members or 1 if model.draws else 0)
        yield fit, start, start + count
        start += count
