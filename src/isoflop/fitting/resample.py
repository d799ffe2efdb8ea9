"""Rows of weights: what each refit of a bootstrap, jackknife or hold-out sees of the runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.generic]


def pairs(rng: np.random.Generator, n: int, draws: int) -> Numbers:
    """Return (draws, n) counts: n runs drawn with replacement."""
    return rng.multinomial(n, np.full(n, 1 / n), draws).astype(float)


def stratified(rng: np.random.Generator, strata: Labels, draws: int) -> Numbers:
    """Return (draws, n) counts drawn within each stratum, such as a budget, so none is lost."""
    counts = np.zeros((draws, len(strata)))
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        counts[:, inside] = pairs(rng, inside.size, draws)
    return counts


def clustered(rng: np.random.Generator, clusters: Labels, draws: int) -> Numbers:
    """Return (draws, n) counts of whole clusters: points of one run share its luck."""
    names, member = np.unique(clusters, return_inverse=True)
    return pairs(rng, names.size, draws)[:, member]


def jackknife(n: int) -> Numbers:
    """Return (n, n) weights; row i leaves run i out."""
    return 1.0 - np.eye(n)
