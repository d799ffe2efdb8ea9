"""The solver's coordinate of a parameter: any real number, whatever the bounds are.

There are four kinds of interval: without ends a parameter is its own coordinate, with one end its
distance from it is a log, with two ends its place between them is a logit. A parameter rises with
its coordinate in each, and bounds hold by construction.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers

Bounds: TypeAlias = tuple[float, float]

LARGEST = 700.0  # exp of more has no value
SHARE = 1e-9  # the same between two ends, as a share of what lies between them


def leave(bounds: Bounds, z: Numbers) -> tuple[Numbers, Numbers]:
    """Return the parameter at coordinate z, and its slope along z."""
    low, high = bounds
    if math.isinf(low) and math.isinf(high):
        return z, np.ones_like(z)
    if math.isinf(high):
        grown = np.exp(np.clip(z, -LARGEST, LARGEST))
        return low + grown, grown
    if math.isinf(low):
        grown = np.exp(np.clip(-z, -LARGEST, LARGEST))
        return high - grown, grown
    share = 1 / (1 + np.exp(-np.clip(z, -LARGEST, LARGEST)))
    slope = (high - low) * share * (1 - share)
    return np.minimum(low + (high - low) * share, high), slope


def enter(bounds: Bounds, value: Any, least: float = 1e-12) -> Numbers:
    """Return the coordinate of a parameter, which is taken off a bound by `least`."""
    low, high = bounds
    if math.isinf(low) and math.isinf(high):
        return np.asarray(value, float)
    if math.isinf(high):
        return np.asarray(np.log(np.maximum(value - low, least)))
    if math.isinf(low):
        return np.asarray(-np.log(np.maximum(high - value, least)))
    share = np.clip((value - low) / (high - low), SHARE, 1 - SHARE)
    return np.asarray(np.log(share / (1 - share)))
