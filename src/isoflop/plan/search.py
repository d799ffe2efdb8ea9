"""Search in one dimension over whole arrays at once: golden section, and bisection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers

_GOLDEN = (np.sqrt(5) - 1) / 2
# Near a minimum the two values that are compared agree to the last digit before this is reached.
_STEPS = 52


def golden(f: Callable[[Numbers], Numbers], low: Numbers, high: Numbers) -> Numbers:
    """Return the x of least f between `low` and `high`, elementwise; f has one minimum there.

    One value of f a step. Where f is NaN it counts as infinite.
    """
    a, b = (np.array(v, float) for v in np.broadcast_arrays(low, high))
    lower, right = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    f_left, f_right = f(lower), f(right)
    for _ in range(_STEPS):
        # A NaN on the left is not less, so the search moves right, to where f exists.
        fell = (f_left < f_right) | (np.isnan(f_right) & ~np.isnan(f_left))
        a, b = np.where(fell, a, lower), np.where(fell, right, b)
        x = np.where(fell, b - _GOLDEN * (b - a), a + _GOLDEN * (b - a))
        y = f(x)
        lower, right = np.where(fell, x, right), np.where(fell, lower, x)
        f_left, f_right = np.where(fell, y, f_right), np.where(fell, f_left, y)
    return np.asarray((a + b) / 2)


def bisect(
    enough: Callable[[Numbers], npt.NDArray[np.bool_]], low: Numbers, high: Numbers
) -> Numbers:
    """Return the least x between `low` and `high` at which `enough` holds, elementwise.

    `enough` is False below some x and True above it; NaN where it holds nowhere.
    """
    a, b = (np.array(v, float) for v in np.broadcast_arrays(low, high))
    never = ~enough(b)
    for _ in range(80):
        middle = (a + b) / 2
        holds = enough(middle)
        a, b = np.where(holds, a, middle), np.where(holds, middle, b)
    return np.where(never, np.nan, b)
