"""How far best-of-n and RL have gone from the initial policy: KL divergences [nats], estimated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError

TINY = 1e-9  # n times the mass of an outcome under which it is as good as never drawn twice

FLAT = 1e-12  # KL [nats] under which n is 1 + sqrt(2 KL)

# What to do about a KL below zero, in words.
NEGATIVE = (
    "the plain estimate k1 can be, by chance: average more responses, or add up k3 of each token"
)


def kl_bound(n: Any) -> Numbers:
    """Return log n - (n - 1) / n [nats], which the KL of best-of-n never exceeds.

    It is reached where no response is ever drawn twice, as for long texts.
    Raises UsageError for an n below 1.
    Source: Beirami et al. 2024, arXiv:2401.01879, which shows that the usual formula is a bound.
    """
    n = np.asarray(n, float)
    if not (n >= 1).all():
        raise UsageError(f"n is {float(n.min()):g}; best-of-n takes at least 1 sample")
    return np.asarray(np.log(n) - (n - 1) / n)


def n_of_kl(kl: Any) -> Numbers:
    """Return the n, rarely whole, whose bound `kl_bound` is `kl` [nats].

    n = -1 / W0(-exp(-(1 + kl))), with Lambert's W.
    Raises UsageError for a KL below zero.
    """
    from scipy.special import lambertw

    kl = np.asarray(kl, float)
    if not (kl >= 0).all():
        raise UsageError(f"a KL of {float(np.nanmin(kl)):g} nats; it cannot be below zero")
    with np.errstate(divide="ignore", over="ignore"):
        # Next to W0's branch point a root takes over; far out W0(-x) is -x, and too small to hold.
        near = -1 / lambertw(-np.exp(-(1 + np.clip(kl, FLAT, 500)))).real
        n = np.where(kl < 500, near, np.exp(1 + kl))
        return np.asarray(np.where(kl < FLAT, 1 + np.sqrt(2 * kl), n))


def kl_of_best_of_n(n: Any, log_mass: Any) -> Numbers:
    """Return the estimate [nats] for a chosen response whose log-probability is `log_mass`.

    With e = exp(log_mass) and q = 1 - (1 - e)^n it is
    (1 - q) (log n + (n - 1) log(1 - e) - (n - 1) / n) + q log(q / e), to be averaged over chosen
    responses; it broadcasts. Where e is small this is the bound, where a response is often drawn
    twice it is far below.
    Raises UsageError for a log-probability above zero.
    Source: Beirami et al. 2024, arXiv:2401.01879, the proposed estimator.
    """
    n, log_e = np.broadcast_arrays(np.asarray(n, float), np.asarray(log_mass, float))
    if (log_e > 0).any():
        raise UsageError(f"a log-probability is {log_e.max():g}; it cannot be above zero")
    bound = kl_bound(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        e = np.exp(log_e)
        log_other = np.log1p(-e)
        once = np.where(n > 1, (n - 1) * log_other, 0.0) + bound
        log_never = n * log_other
        never = np.exp(log_never)
        chosen = (1 - never) * (np.log(-np.expm1(log_never)) - log_e)
        out = np.where(never > 0, never * once, 0.0) + chosen
    return np.asarray(np.where(n * e < TINY, bound, out))


def exact_kl(mass: Any, n: Any) -> Numbers:
    """Return the KL [nats] of best-of-n over outcomes of known `mass` (m,), worst first.

    Of the best of n the cumulative mass is that of one sample, to the power n.
    """
    p = np.asarray(mass, float)
    upto = np.minimum(np.cumsum(p), 1.0)
    n = np.asarray(n, float)[..., None]
    q = upto**n - np.concatenate([[0.0], upto[:-1]]) ** n
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(q > 0, q * np.log(q / p), 0.0).sum(-1))


@dataclass(frozen=True, slots=True)
class KLEstimate:
    """A KL [nats] from samples of the policy: its standard `error`, and the variance of one sample.

    `largest` is the share of the sum that the largest sample has: near 1, nothing is known.
    """

    name: str
    value: float
    error: float
    variance: float
    largest: float
    unbiased: bool


@dataclass(frozen=True, slots=True)
class KLEstimates:
    """Three estimators of one KL: k1 and k3 are unbiased, k3 is never negative.

    While log-probabilities differ by little, as those of a token, k3 scatters least; if they are
    normal, k1 does from .63 nats on. Far beyond, nearly all of k3 sits in responses too rare to be
    drawn, and what is seen of it is 1 nat too low. k2 is no estimate of a KL that is not small.
    """

    k1: KLEstimate
    k2: KLEstimate
    k3: KLEstimate

    def __iter__(self) -> Iterator[KLEstimate]:
        return iter((self.k1, self.k2, self.k3))


def kl_estimates(log_policy: Any, log_initial: Any) -> KLEstimates:
    """Return KL(policy || initial) from log-probabilities (n,) of responses of the policy.

    With r = log_initial - log_policy: k1 = -r, k2 = r^2 / 2, k3 = exp(r) - 1 - r. Of responses
    take k1; k3 of the tokens that were drawn, added up over each response, scatters less.
    Raises UsageError for fewer than two samples, or lists that do not match.
    Source: Schulman 2020, "Approximating KL divergence".
    """
    policy, initial = np.asarray(log_policy, float), np.asarray(log_initial, float)
    if policy.shape != initial.shape or policy.ndim != 1 or policy.size < 2:
        raise UsageError(
            f"log-probabilities have shapes {policy.shape} and {initial.shape}; give two lists of "
            "the same length, of two samples at least"
        )
    r = initial - policy
    if not np.isfinite(r).all():
        at = int(np.flatnonzero(~np.isfinite(r))[0])
        raise UsageError(f"sample {at} has no finite ratio of probabilities")
    with np.errstate(over="ignore"):
        k3 = np.expm1(r) - r
    return KLEstimates(
        _estimate("k1", -r, True), _estimate("k2", r**2 / 2, False), _estimate("k3", k3, True)
    )


def _estimate(name: str, each: Numbers, unbiased: bool) -> KLEstimate:
    variance = float(each.var(ddof=1))
    total = np.abs(each).sum()
    largest = float(np.abs(each).max() / total) if total > 0 else 0.0
    return KLEstimate(
        name, float(each.mean()), float(np.sqrt(variance / each.size)), variance, largest, unbiased
    )
