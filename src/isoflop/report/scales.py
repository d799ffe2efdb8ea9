"""Where an axis begins and ends, where its ticks stand, and which points are worth drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.report.document import Axis, Band, Contours, ErrorBar, Figure, Layer, Points

MOST_POINTS = 2000
_PADDING = 0.04  # of the extent, at either end
_MANTISSAS = ((1.0,), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0))


@dataclass(frozen=True, slots=True)
class AxisScale:
    """The stretch of an axis that is shown, and whether it is logarithmic."""

    low: float
    high: float
    log: bool

    def place(self, values: npt.ArrayLike) -> Numbers:
        """Return where values stand, 0 at `low` and 1 at `high`; NaN for what cannot be drawn."""
        low, high = self.move([self.low, self.high])
        placed: Numbers = (self.move(values) - low) / (high - low)
        return placed

    def move(self, values: npt.ArrayLike) -> Numbers:
        """Return values as the axis measures them: decades on a logarithmic axis."""
        array = np.asarray(values, dtype=np.float64)
        mask = np.isfinite(array) & ((array > 0) | (not self.log))
        if not self.log:
            return np.where(mask, array, np.nan)
        return np.log10(array, where=mask, out=np.full(array.shape, np.nan))

    def ticks(self, least: int = 4, most: int = 9) -> tuple[float, ...]:
        """Return the values to label: decades, 1-2-5, 1-3, else round steps: the first that fit."""
        if self.log:
            decades = math.log10(self.high) - math.log10(self.low)
            for mantissas in _MANTISSAS:
                positions = self._decades(mantissas, step=max(1, math.ceil(decades / (most - 1))))
                if least <= len(positions) <= most:
                    return positions
        return round_steps(self.low, self.high, min(6, most - 1))

    @property
    def minor(self) -> tuple[float, ...]:
        """The values to mark without a label: 2 and 5 within decades that are labelled."""
        if not self.log or self.high / self.low > 1e8:
            return ()
        labelled = self.ticks()
        return tuple(v for v in self._decades(_MANTISSAS[1], step=1) if v not in labelled)

    def _decades(self, mantissas: tuple[float, ...], step: int) -> tuple[float, ...]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        powers = (p for p in range(first, last + 1) if p % step == 0)
        every = (float(f"{m}e{p}") for p in powers for m in mantissas)
        return tuple(v for v in every if self.low <= v <= self.high)


def scales(figure: Figure) -> tuple[AxisScale, AxisScale]:
    """Return the x and y scales that hold every layer, with a margin.

    A band may not squeeze the rest: it widens the y axis by the extent of the rest at most.
    """
    xs = [_across(layer) for layer in figure.layers]
    if figure.extrapolates_from is not None:
        xs.append(np.array([figure.extrapolates_from]))
    firm = [_up(layer) for layer in figure.layers if not isinstance(layer, Band)]
    soft = [_up(layer) for layer in figure.layers if isinstance(layer, Band)]
    return _fit(figure.x, xs, []), _fit(figure.y, firm or soft, soft)


def undrawable(figure: Figure) -> int:
    """Return how many points have no place: not finite, or not above zero on a log axis."""
    across, up = scales(figure)
    clouds = [layer for layer in figure.layers if isinstance(layer, Points)]
    return sum(int((np.isnan(across.move(c.x)) | np.isnan(up.move(c.y))).sum()) for c in clouds)


def in_powers(axis: Axis, scale: AxisScale) -> bool:
    """Say whether ticks are written as powers of ten, as FLOP are, rather than as 70B."""
    return axis.unit == "FLOP" or scale.high >= 1e16 or 0 < scale.low < 1e-4


def round_steps(low: float, high: float, most: int) -> tuple[float, ...]:
    """Return at most `most` + 1 round numbers between `low` and `high`, evenly spaced.

    >>> round_steps(2.08, 2.63, 6)
    (2.1, 2.2, 2.3, 2.4, 2.5, 2.6)
    """
    rough = (high - low) / most
    if not (math.isfinite(rough) and rough > 0):
        return (low,)
    power = math.floor(math.log10(rough))
    step = next(m for m in (1, 2, 2.5, 5, 10) if m * 10.0**power >= rough * (1 - 1e-9))
    size = step * 10.0**power
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return tuple(float(f"{i * size:.12g}") for i in range(first, last + 1))


def levels(contours: Contours) -> tuple[float, ...]:
    """Return the round values at which contours are drawn; steep corners get none."""
    finite = contours.z[np.isfinite(contours.z)]
    if not finite.size:
        return ()
    low, high = np.percentile(finite, (1, 95)).tolist()
    return round_steps(low, high, 12)


def thin(x: Numbers, y: Numbers, most: int = MOST_POINTS) -> npt.NDArray[np.intp]:
    """Return the indices (at most `most`) to draw: both ends, and each bucket's lowest and highest.

    A bucket that holds only NaN keeps one, so a gap in a curve stays a gap.
    """
    if len(x) <= most:
        return np.arange(len(x))
    edges = np.linspace(0, len(y), most // 2).astype(int)
    lowest = [a + np.argmin(np.where(np.isnan(y[a:b]), np.inf, y[a:b])) for a, b in _pairs(edges)]
    highest = [a + np.argmax(np.where(np.isnan(y[a:b]), -np.inf, y[a:b])) for a, b in _pairs(edges)]
    return np.unique(np.concatenate([[0, len(y) - 1], lowest, highest]).astype(np.intp))


def _pairs(edges: npt.NDArray[np.int_]) -> Iterable[tuple[int, int]]:
    return zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _across(layer: Layer) -> Numbers:
    return np.atleast_1d(np.asarray(layer.x, dtype=np.float64))


def _up(layer: Layer) -> Numbers:
    match layer:
        case ErrorBar():
            return np.array([layer.low, layer.value, layer.high], dtype=np.float64)
        case Band():
            return np.concatenate([layer.low, layer.high])
        case _:
            return np.asarray(layer.y, dtype=np.float64)


def _fit(axis: Axis, firm: list[Numbers], soft: list[Numbers]) -> AxisScale:
    unit = AxisScale(1.0, 10.0, axis.log)
    low, high = _ends(unit, firm)
    if soft:
        lowest, highest = _ends(unit, [*firm, *soft])
        extent = high - low
        low, high = max(lowest, low - extent), min(highest, high + extent)
    edge = _PADDING * (high - low) or (0.15 if axis.log else 0.1 * abs(low) or 0.5)
    low, high = low - edge, high + edge
    least, most = (-323.0, 308.0) if axis.log else (-8e307, 8e307)  # what doubles can hold
    low, high = min(max(low, least), most - edge), max(min(high, most), least + edge)
    return AxisScale(10.0**low, 10.0**high, True) if axis.log else AxisScale(low, high, False)


def _ends(scale: AxisScale, arrays: list[Numbers]) -> tuple[float, float]:
    moved = scale.move(np.concatenate(arrays)) if arrays else np.empty(0)
    moved = moved[np.isfinite(moved)]
    return (float(moved.min()), float(moved.max())) if moved.size else (0.0, 1.0)
