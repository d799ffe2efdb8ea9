"""Best-of-n for every n from one bank of samples, without bias: the best by score, and its value.

Of m samples of a prompt sorted by score, the best of n drawn without replacement is the one of
rank i with probability C(i - 1, n - 1) / C(m, n). Suffixes: p prompts, m samples, g values of n.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from isoflop.arrays import Integers, Numbers
from isoflop.errors import UsageError
from isoflop.quantities import refuse_draws

NEGLIGIBLE = 40.0  # weights below exp(-40) of the first are left out: less than rounding


def best_of_n(score: Any, value: Any, n: Any) -> Numbers:
    """Return E[value of the sample of highest score among n] for every prompt and n (p, g).

    `score` and `value` are (p, m); `value` may be `score` itself. Samples of equal score share the
    mean of their values. Every n from 1 to m is estimated from the whole bank, without bias.
    Raises UsageError for arrays that do not match, a score that is NaN, or an n that is no whole
    number from 1 to m.
    Source: Nakano et al. 2021, arXiv:2112.09332, appendix I.
    """
    score, value = np.asarray(score, float), np.asarray(value, float)
    if score.ndim != 2 or score.shape != value.shape or not score.size:
        raise UsageError(
            f"score has shape {score.shape} and value {value.shape}; give prompts by samples"
        )
    if np.isnan(score).any():
        p, m = np.argwhere(np.isnan(score))[0]
        raise UsageError(f"prompt {p}, sample {m} has no score; its rank cannot be known")
    counts_g = _counts(n, score.shape[1])
    return weighted(by_rank(score, value), counts_g)


def by_rank(score: Any, value: Any) -> Numbers:
    """Return values (p, m) from the highest score down; equal scores share their mean value."""
    score, value = np.asarray(score, float), np.asarray(value, float)
    order = np.argsort(-score, axis=1, kind="stable")
    ranked, values = np.take_along_axis(score, order, 1), np.take_along_axis(value, order, 1)
    new = np.ones(ranked.shape, dtype=bool)
    new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    if new.all():
        return np.asarray(values)
    group = np.cumsum(new.ravel()) - 1  # a prompt begins a group of its own
    mean = np.bincount(group, values.ravel()) / np.bincount(group)
    return np.asarray(mean[group].reshape(values.shape))


def weighted(ranked_pm: Numbers, n: Any) -> Numbers:
    """Return means (p, g) of values (p, m), best first, under the best-of-n weights of each n."""
    m = ranked_pm.shape[1]
    counts_g = _counts(n, m)
    out_pg = np.empty((len(ranked_pm), counts_g.size))
    for which, weights_gk in blocks(counts_g, m):
        out_pg[:, which] = ranked_pm[:, : weights_gk.shape[1]] @ weights_gk.T
    return out_pg


def blocks(n: Any, m: int) -> Iterator[tuple[Integers, Numbers]]:
    """Yield weights of the k best ranks (g, k) and which n they belong to, a few n at a time.

    A weight falls at least by (1 - (n - 1) / (m - 1)) from one rank to the next, so that for
    large n only the best ranks count; weights of n and more are worked out in logs of factorials.
    """
    from scipy.special import gammaln

    counts_g = _counts(n, m)
    log_factorial = gammaln(np.arange(m + 1) + 1.0)
    order = np.argsort(counts_g, kind="stable")
    at = 0
    while at < order.size:
        least = int(counts_g[order[at]])
        k = m - least + 1
        if least > 1:
            k = min(k, int(np.ceil(NEGLIGIBLE * (m - 1) / (least - 1))) + 1)
        most = np.searchsorted(counts_g[order], max(2 * least, 8))
        which = order[at : max(int(most), at + 1)][: max(1, 4_000_000 // k)]
        yield which, _weights(counts_g[which], m, k, log_factorial)
        at += which.size


def _weights(n_g: Integers, m: int, k: int, log_factorial: Numbers) -> Numbers:
    """Return C(m - 1 - j, n - 1) / C(m, n) for the ranks j = 0 ... k - 1 from the best (g, k)."""
    n, below = n_g[:, None], m - 1 - np.arange(k)[None]  # how many have a lower rank
    rest = below - n + 1
    log_w = (
        log_factorial[below]
        - log_factorial[np.maximum(rest, 0)]
        + np.log(n)
        + log_factorial[m - n]
        - log_factorial[m]
    )
    return np.asarray(np.where(rest >= 0, np.exp(log_w), 0.0))


def grid(m: int, per_doubling: int = 2) -> Integers:
    """Return n = 1, 2, 3, 4, 6, 8, ... up to m: whole, and even in logs."""
    steps = int(np.floor(np.log2(m) * per_doubling + 1e-9))
    n = np.round(2.0 ** (np.arange(steps + 1) / per_doubling)).astype(np.int64)
    return np.unique(np.append(n, m))


def _counts(n: Any, m: int) -> Integers:
    counts = np.atleast_1d(np.asarray(n))
    if counts.ndim != 1 or not np.equal(counts, np.floor(counts)).all():
        raise UsageError(f"n is {n}; it must be a whole number, or a list of them")
    if not ((counts >= 1) & (counts <= m)).all():
        raise UsageError(
            f"n is {counts.min():g} to {counts.max():g}; a bank of {m} samples a prompt gives 1 "
            f"to {m}"
        )
    return np.asarray(counts, np.int64)


def prompt_draws(prompts: int, draws: int, seed: int = 0) -> Numbers:
    """Return weights of prompts (draws, p) for a bootstrap over prompts, each summing to 1."""
    refuse_draws(draws)
    if prompts < 2:
        raise UsageError(f"{prompts} prompt; a bootstrap over prompts needs two at least")
    rng = np.random.default_rng(seed)
    return np.asarray(rng.multinomial(prompts, np.full(prompts, 1 / prompts), draws) / prompts)
