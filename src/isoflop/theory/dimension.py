"""The dimension of the surface that data lie on, and the exponent that a theory draws from it.

Theory and teaching: alpha of about 4 / d is a bound for smooth fits, no way to plan a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, UsageError

LOW_FROM = 20  # dimension from which nearest neighbours tell too low a number
FEWEST = 50


@dataclass(frozen=True)
class Dimension:
    """An intrinsic dimension with its standard error, from so many points.

    `low` says that it lies where the estimator is known to be biased low: a lower bound.
    """

    value: float
    error: float
    points: int

    @property
    def low(self) -> bool:
        """Whether the estimate can only be a lower bound."""
        return self.value > 0.75 * LOW_FROM


def intrinsic_dimension(points: Numbers, k: int = 2) -> Dimension:
    """Return the dimension of the surface that points (n, q) lie on, from k neighbours each.

    Two neighbours are TwoNN: mu = r_2 / r_1 follows 1 - mu^-d. More steady it and blur it.
    Biased low beyond about 20 dimensions, where no number of points at hand fills the space.

    Raises UsageError for a k below 2, CannotFit for too few points or points that coincide.
    Source: Facco et al. 2017, Scientific Reports 7; Sharma and Kaplan 2020, arXiv:2004.10802, 3.3.
    """
    from scipy.spatial import cKDTree

    if k < 2:
        raise UsageError(f"k is {k}; two neighbours or more are needed")
    if len(points) < max(FEWEST, k + 2):
        raise CannotFit(f"{len(points)} points; at least {max(FEWEST, k + 2)} are needed")
    r_nk = cKDTree(points).query(points, k + 1)[0][:, 1:]
    if not (r_nk[:, 0] > 0).all():
        same = int((r_nk[:, 0] == 0).sum())
        raise CannotFit(f"{same} points coincide with another; keep one of each")
    log_mu = np.log(r_nk / r_nk[:, :1])
    if k == 2:
        value = float((len(points) - 1) / log_mu[:, 1].sum())
        return Dimension(value, value / np.sqrt(len(points)), len(points))
    each = (k - 2) / ((k - 1) * log_mu[:, -1] - log_mu[:, 1:-1].sum(1))
    return Dimension(float(each.mean()), float(each.std() / np.sqrt(each.size)), each.size)


def exponent(dimension: float) -> float:
    """Return the exponent alpha of L ~ N^-alpha that data of this dimension suggest: 4 / d.

    >>> exponent(10)
    0.4
    """
    if not dimension > 0:
        raise UsageError(f"a dimension is {dimension}; it must be above zero")
    return 4 / dimension


def largest_model(dimension: float, loss: Literal["cross-entropy", "squared"]) -> float:
    """Return the parameters beyond which a power law in N ended for data of this dimension.

    log10 N = 0.45 d + 0.69 for cross-entropy, 0.84 d + 0.54 for squared error: lines read through
    small teachers and students, nothing that was seen at scale.
    Source: Sharma and Kaplan 2020, arXiv:2004.10802, figures 4 and 5.
    """
    slope, start = {"cross-entropy": (0.45, 0.69), "squared": (0.84, 0.54)}[loss]
    return float(10 ** (slope * dimension + start))


@dataclass(frozen=True)
class DimensionCheck:
    """What the theory said of one data set, 4 / alpha, and the dimension that was measured."""

    data: str
    predicted: float
    measured: float
    bound: bool = False  # whether the measurement is a lower bound alone


# Sharma and Kaplan 2020, arXiv:2004.10802: the theory holds where the two columns agree.
CHECKS = (
    DimensionCheck("teacher and student", 6.59, 7.36),
    DimensionCheck("CIFAR-10", 17.83, 17.04),
    DimensionCheck("MNIST", 5.95, 9.38),
    DimensionCheck("Fashion-MNIST", 10.67, 9.92),
    DimensionCheck("SVHN", 10.71, 11.43),
    DimensionCheck("GPT, language", 53.0, 90.0, bound=True),
)
