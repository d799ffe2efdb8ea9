"""What an interval holds beside the scatter of parameters: noise, and error of the form.

The error of the form is learnt from a backtest: what is left of its errors once the noise, and the
disagreement of the forms that are pooled, are taken off. It grows with the distance log(ratio).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.backtest import Backtest, Candidate, HeldOutErrors
from isoflop.assess.extrapolation.learnt import LEARNT, PoolConstants
from isoflop.fitting import Fit
from isoflop.fitting.few_runs import FEW
from isoflop.quantities import FROM_ZERO

NEAREST = 0.2  # distance below which a split tells nothing of growth: a factor 1.2
BINS = (1.0, 3.0, 10.0, 30.0, 100.0, math.inf)  # factors by which a run lies beyond a split
FEWEST_LARGEST = 8  # runs that have a noise of their own, at least
SURE = 3.0  # standard errors at which residuals are said to change with scale


@dataclass(frozen=True, eq=False)
class ForecastErrors:
    """Errors (k,) at distances (k,) of one split, and the variance that is not the form's."""

    error: Numbers
    distance: Numbers
    other: Numbers | float


def growth(splits: Sequence[ForecastErrors], constants: PoolConstants = LEARNT) -> float:
    """Return k of the form's error, sd = k log(ratio), on the scale of logs.

    Each split speaks once, however many runs it holds out: errors of one fit are not independent.
    A few splits are weighed against what forms usually err, so k is never 0.
    """
    slopes = [
        max(0.0, float((s.error**2 - s.other).mean()))
        / max(float((s.distance**2).mean()), NEAREST**2)
        for s in splits
    ]
    total = constants.splits * constants.growth**2 + constants.evidence * sum(slopes)
    return float(np.sqrt(total / (constants.splits + len(slopes))))


@dataclass(frozen=True)
class Reached:
    """The errors of a candidate on runs between `low` and `high` times beyond their split.

    `alone` is the share of them in the interval that the fit alone gives, of draws and residuals;
    None without draws. `calibrated` is that with the error of the form, learnt from the other
    splits; None if there are no others.
    """

    low: float
    high: float
    count: int
    rms: float
    bias: float
    alone: float | None
    calibrated: float | None


def reached(
    test: Backtest, candidate: Candidate, bins: Sequence[float] = BINS
) -> tuple[Reached, ...]:
    """Return error, bias and coverage in each bin of the extrapolation ratio that holds runs."""
    mine = test.of(candidate)
    ratio, error = test.errors(candidate)
    alone = (
        None if mine[0].draws is None else np.concatenate([_inside(h, test.level) for h in mine])
    )
    ends = [half_width([said(o) for o in mine if o is not h], said(h), test.level) for h in mine]
    calibrated = np.abs(error) <= np.concatenate(ends) if len(mine) > 1 else None
    out = []
    for low, high in itertools.pairwise(bins):
        there = (ratio >= low) & (ratio < high)
        if there.any():
            e = error[there]
            shares = [None if c is None else float(c[there].mean()) for c in (alone, calibrated)]
            rms, bias = float(np.sqrt((e**2).mean())), float(e.mean())
            out.append(Reached(low, high, e.size, rms, bias, *shares))
    return tuple(out)


def said(errors: HeldOutErrors) -> ForecastErrors:
    """Return the errors of a split; what is not the form's is noise and the scatter of draws."""
    other = np.full(errors.error.size, float((errors.residuals**2).mean()))
    if errors.draws is not None:
        low, high = np.nanquantile(errors.draws, [0.16, 0.84], axis=0)
        other = other + ((high - low) / 2) ** 2
    return ForecastErrors(errors.error, np.log(errors.ratio), other)


def half_width(learnt: Sequence[ForecastErrors], of: ForecastErrors, level: float) -> Numbers:
    """Return half the calibrated interval (k,) of log errors, its growth learnt from splits."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    return np.asarray(z * np.sqrt(of.other + (growth(learnt) * of.distance) ** 2))


def _inside(errors: HeldOutErrors, level: float) -> npt.NDArray[np.bool_]:
    """Return whether the interval of draws and residuals holds each truth (k,)."""
    rng = np.random.default_rng(0)
    samples = np.zeros((1, errors.error.size)) if errors.draws is None else errors.draws
    draws = samples - rng.choice(errors.residuals, samples.shape)
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray((low <= 0) & (high >= 0))


@dataclass(frozen=True, eq=False)
class Scatter:
    """The scatter of runs about a law: residuals of spread 1, and their spread by scale.

    The spread is size * exp(slope * (x - centre)), x the log of the product of the inputs; it
    is held at its ends, so that it is never carried beyond the runs. A slope of 0 where the
    residuals show none. From the size `large` on noise is that of the `largest` runs, where there
    are enough. `takes` are the inputs that are sizes. `spare` counts the runs beyond the parameters
    where they are few: noise is then drawn from Student's t, not from residuals.
    """

    residuals: Numbers
    slope: float
    centre: float
    ends: tuple[float, float]
    takes: tuple[str, ...]
    spare: int | None = None
    largest: Numbers | None = None
    large: float = 0.0

    def scale(self, inputs: Mapping[str, Any]) -> Numbers:
        """Return the spread at inputs (k,), relative to that at the centre."""
        x = np.clip(_scale(inputs, self.takes), *self.ends)
        return np.asarray(np.exp(self.slope * (x - self.centre)))

    def draw(self, rng: np.random.Generator, rows: int, inputs: Mapping[str, Any]) -> Numbers:
        """Return noise (rows, k) at inputs (k,), to be taken off a prediction."""
        scale_k = np.atleast_1d(self.scale(inputs))
        if self.spare is not None:
            wider_r1 = np.sqrt(self.spare / rng.chisquare(self.spare, (rows, 1)))
            size = np.sqrt((self.residuals**2).mean())
            return np.asarray(size * wider_r1 * rng.standard_normal((rows, scale_k.size)) * scale_k)
        noise_rk = rng.choice(self.residuals, (rows, scale_k.size)) * scale_k
        if self.largest is None:
            return np.asarray(noise_rk)
        large_rk = rng.choice(self.largest, (rows, scale_k.size))
        return np.where(_scale(inputs, self.takes) >= self.large, large_rk, noise_rk)


def scatter(fit: Fit[Any], constants: PoolConstants = LEARNT) -> Scatter:
    """Return the noise of the runs behind a fit, widened for the parameters spent on them."""
    n, p = len(fit.runs), len(fit.free)
    residuals = fit.residuals * np.sqrt(n / max(n - p, 1))
    takes = tuple(s for s in fit.binding.takes if s not in FROM_ZERO and (fit.runs[s] > 0).all())
    x = _scale({s: fit.runs[s] for s in fit.binding.takes}, takes)
    slope = _slope(x, residuals)
    centre = float(x.mean())
    count = max(FEWEST_LARGEST, math.ceil(constants.largest * n))
    large = float(np.sort(x)[-min(count, n)])
    apart = n >= 2 * FEWEST_LARGEST and count < n
    return Scatter(
        residuals=np.asarray(residuals * np.exp(-slope * (x - centre))),
        slope=slope,
        centre=centre,
        ends=(float(x.min()), float(x.max())),
        takes=takes,
        spare=n - p if 0 < n - p <= FEW else None,
        largest=residuals[x >= large] if apart else None,
        large=large,
    )


def _scale(inputs: Mapping[str, Any], takes: Sequence[str]) -> Numbers:
    """Return the sum of the logs (n,) of the inputs `takes`, which are sizes; 0 if none is."""
    none = np.zeros(np.shape(next(iter(inputs.values()))))
    return np.asarray(sum((np.log(inputs[s]) for s in takes), none))


def _slope(x: Numbers, residuals: Numbers) -> float:
    """Return the slope of the log spread in x, 0 unless it is `SURE` standard errors from it."""
    size = np.abs(residuals)
    least = 0.1 * np.median(size)
    if x.size < 10 or np.ptp(x) == 0 or not least > 0:  # runs without noise have no spread
        return 0.0
    y = np.log(np.maximum(size, least))
    centred = x - x.mean()
    slope = float((centred * y).sum() / (centred**2).sum())
    residual = y - y.mean() - slope * centred
    error = np.sqrt((residual**2).sum() / (x.size - 2) / (centred**2).sum())
    return slope if abs(slope) > SURE * error else 0.0
