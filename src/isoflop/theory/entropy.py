"""Cross-entropy in three parts, exactly, from the rank of each true token and its log probability.

Theory and teaching: the identity holds for any model; that only its first part scales is a finding
about the models that were measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Integers, Numbers
from isoflop.errors import UsageError


@dataclass(frozen=True)
class Decomposition:
    """Cross-entropy = error entropy + self-alignment - confidence [nats/token], of `tokens`.

    With p_e the share of tokens whose truth has rank e (tokens scored above it), Q_e the geometric
    mean of its probability among them, and q = Q / sum Q: the error entropy is that of p, the
    self-alignment the divergence of q from p, the confidence log(sum Q).
    """

    cross_entropy: float
    error_entropy: float
    self_alignment: float
    confidence: float
    tokens: int
    ranks: int

    @property
    def rest(self) -> float:
        """What the identity leaves over [nats/token]: rounding."""
        return self.cross_entropy - (self.error_entropy + self.self_alignment - self.confidence)


def ranked(logits: Numbers, truth: Integers) -> tuple[Integers, Numbers]:
    """Return the rank (n,) of each true token among scores (n, V), and its log probability (n,).

    The rank counts the tokens scored above the truth: 0 is a right answer.
    """
    truth_logits = np.take_along_axis(logits, truth[:, None], axis=1)
    top = logits.max(1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(1))
    return (logits > truth_logits).sum(1), truth_logits[:, 0] - total


def decompose(stream: Iterable[tuple[Integers, Numbers]]) -> Decomposition:
    """Return the parts of the cross-entropy of a stream of batches: ranks (n,), log p (n,).

    It keeps a count and a sum for each rank that occurs, however large the vocabulary.

    Raises UsageError for an empty stream, a negative rank or a log probability above 0.
    Source: Yan et al. 2025, "What scales in cross-entropy scaling law?", arXiv:2510.04067.
    """
    totals: dict[int, tuple[int, float]] = {}
    for ranks, log_p in stream:
        _check(ranks, log_p)
        unique_ranks, member, counts = np.unique(ranks, return_inverse=True, return_counts=True)
        sums = np.bincount(member, weights=log_p)
        for rank, count, total in zip(unique_ranks.tolist(), counts, sums, strict=True):
            before = totals.get(rank, (0, 0.0))
            totals[rank] = (before[0] + int(count), before[1] + float(total))
    if not totals:
        raise UsageError("the stream holds no token; give batches of ranks and log probabilities")
    count_e, sum_e = (np.array(column, float) for column in zip(*totals.values(), strict=True))
    p_e = count_e / count_e.sum()
    log_Q = sum_e / count_e
    confidence = float(log_Q.max() + np.log(np.exp(log_Q - log_Q.max()).sum()))
    return Decomposition(
        float(-sum_e.sum() / count_e.sum()),
        float(-(p_e * np.log(p_e)).sum()),
        float((p_e * (np.log(p_e) - (log_Q - confidence))).sum()),
        confidence,
        int(count_e.sum()),
        len(totals),
    )


def _check(ranks: Integers, log_p: Numbers) -> None:
    if np.shape(ranks) != np.shape(log_p):
        raise UsageError(f"{np.size(ranks)} ranks come with {np.size(log_p)} log probabilities")
    if (ranks < 0).any():
        raise UsageError(f"a rank is {np.min(ranks)}; it counts the tokens above the truth")
    if not (np.isfinite(log_p) & (log_p <= 0)).all():
        raise UsageError("a log probability is above 0 or not finite")
