"""Whether runs contradict each other: the one judge of it, for a fit, a comparison and an audit."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Mask, Numbers

APART = 0.03  # by which losses of one point may differ in logs: seeds of small models do by less
LARGER = 2.0  # times the compute that makes a run larger than another
ROUNDING = 0.01  # of a scale, within which runs are of one
WORSE = 1.02  # times the loss that is more than luck


def apart(inputs_kn: Numbers, output_n: Numbers, most: float = APART) -> list[Mask]:
    """Return a mask (n,) of the runs at each point whose outputs differ by more than noise.

    `most` is by how much they may differ, in logs.
    """
    point_n = np.unique(inputs_kn, axis=1, return_inverse=True)[1].reshape(-1)
    count = int(point_n.max(initial=-1)) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, point_n, np.log(output_n))
    np.maximum.at(high, point_n, np.log(output_n))
    return [point_n == k for k in np.flatnonzero(high - low > most)]


def no_better(scale_n: Numbers, output_n: Numbers) -> Mask:
    """Return which runs (n,) of the larger half are no better than the median of the smaller half.

    `scale_n` is in logs. None are where the larger half has the lower median, as it should, and
    where all runs are of about one scale.
    """
    larger = scale_n > np.median(scale_n) + ROUNDING
    if (
        np.ptp(scale_n) < np.log(LARGER)
        or not larger.any()
        or np.median(output_n[larger]) < np.median(output_n[~larger])
    ):
        return np.zeros(output_n.size, bool)
    return np.asarray(larger & (output_n >= np.median(output_n[~larger])))


def above_smaller(N: Numbers, D: Numbers, output_n: Numbers) -> Mask:
    """Return which runs (n,) are worse than one of no more N and D and half the compute."""
    x, y = np.log(N), np.log(D)
    larger = (x[:, None] >= x) & (y[:, None] >= y) & ((x + y)[:, None] >= x + y + np.log(LARGER))
    return np.asarray((larger & (output_n[:, None] > WORSE * output_n)).any(1))
