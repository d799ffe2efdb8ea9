"""Coverage: the share of problems that k samples solve at least once, without bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.samples.sample_table import Counts


def pass_at_k(solved: Any, attempts: Any, k: Any) -> Numbers:
    """Return 1 - C(tried - solved, k) / C(tried, k) for each problem and each k (p, g).

    It is the chance that k of the samples, drawn without replacement, hold a right one.
    Raises UsageError for a k that is no whole number from 1 to the samples of every problem.
    Source: Chen et al. 2021, arXiv:2107.03374, section 2.1; by logs of factorials.
    """
    from scipy.special import gammaln

    c, n = np.broadcast_arrays(np.asarray(solved, float), np.asarray(attempts, float))
    k = whole(k, int(n.min()))
    wrong = n - c
    pairs, back = np.unique(np.stack([wrong, n]), axis=1, return_inverse=True)
    w, m = pairs[:, :, None]
    rest = w - k
    with np.errstate(over="ignore"):
        log_none = (
            gammaln(w + 1) - gammaln(np.maximum(rest, 0) + 1) - gammaln(m + 1) + gammaln(m - k + 1)
        )
    chance = np.where(rest < 0, 1.0, np.where(w == m, 0.0, -np.expm1(log_none)))
    return np.asarray(chance[back.ravel()])


def coverage(counts: Counts, k: Any) -> Numbers:
    """Return pass@k of each problem (p, g); their mean is the coverage."""
    try:
        return pass_at_k(counts.solved, counts.attempts, k)
    except UsageError:
        k_max = np.max(np.asarray(k))
        least = int(np.argmin(counts.attempts))
        if not k_max > counts.reach:
            raise
        few = int((counts.attempts < k_max).sum())
        raise UsageError(
            f"k = {k_max:g} is beyond the bank: problem {counts.problems[least]!r} has "
            f"{counts.reach} samples, and {few} of {len(counts.problems)} have fewer than "
            f"{k_max:g}; ask for k up to {counts.reach}, or forecast with `isoflop testtime fit`"
        ) from None


def whole(k: Any, most: int) -> Numbers:
    """Return the values of k (g,) as whole numbers from 1 to `most`.

    Raises UsageError for others.
    """
    values = np.atleast_1d(np.asarray(k, float))
    if values.ndim != 1 or not np.isfinite(values).all() or (values != np.floor(values)).any():
        raise UsageError(f"k is {k}; it must be a whole number, or a list of them")
    if (values < 1).any() or (values > most).any():
        raise UsageError(f"k is {values.min():g} to {values.max():g}; it runs from 1 to {most}")
    return values


def k_grid(most: int, per_decade: int = 8) -> npt.NDArray[np.int64]:
    """Return whole k from 1 to `most`, even in logs."""
    steps = int(np.log10(max(most, 1)) * per_decade) + 2
    return np.unique(np.round(np.geomspace(1, most, steps)).astype(np.int64))
