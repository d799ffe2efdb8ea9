"""Sudden and smooth scores of the same models: what a metric does to a power law.

Theory and teaching: a family whose loss per token falls as a power of its size is scored by metrics
that ask for all tokens of an answer at once, and by metrics that count them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.quantities import refuse_count, refuse_impossible
from isoflop.report.display import Displayed

STEPS = 80  # sizes of the smooth curve
MOST = 1_000_000  # tokens of an answer
DRAWN = 1_000_000  # items of a test whose answers are drawn one by one


@dataclass(frozen=True)
class AnswerLossFamily:
    """Models whose loss per answer token is L(N) = (scale / N)^alpha [nats/token]."""

    scale: float
    alpha: float

    def __post_init__(self) -> None:
        """Refuse a family that no models are of."""
        refuse_impossible("scale", self.scale)
        if not 0.001 <= self.alpha <= 10:
            raise UsageError(f"alpha is {self.alpha:g}; it must lie between 0.001 and 10")

    def loss(self, N: Numbers) -> Numbers:
        """Return the loss per token (k,) [nats/token] of models of N (k,) parameters."""
        return np.asarray((self.scale / N) ** self.alpha)

    def right(self, N: Numbers) -> Numbers:
        """Return the probability (k,) of a right token: exp(-L)."""
        return np.asarray(np.exp(-self.loss(N)))


@dataclass(frozen=True, eq=False)
class EmergenceScores(Displayed):
    """The scores (k,) of models N (k,) on answers of `tokens` tokens; each has `items` items.

    `exact` is the share of answers right in every token, `wrong` the mean number of wrong tokens
    (the edit distance, where only substitutions are made), `brier` the mean squared shortfall of
    the probability of a right token. `measured` is True for scores that were drawn.
    """

    N: Numbers
    tokens: int
    items: int
    exact: Numbers
    wrong: Numbers
    brier: Numbers
    measured: bool


def expected(family: AnswerLossFamily, N: Numbers, tokens: int) -> EmergenceScores:
    """Return the scores that models would have on endless items.

    Source: Schaeffer, Miranda and Koyejo 2023, arXiv:2304.15004, section 2.
    """
    _check(tokens, 1)
    p = family.right(N)
    return EmergenceScores(N, tokens, 0, p**tokens, tokens * (1 - p), (1 - p) ** 2, measured=False)


def simulate(
    family: AnswerLossFamily, N: Numbers, tokens: int, items: int, seed: int = 0
) -> EmergenceScores:
    """Return the scores of models on `items` answers, every token drawn right or wrong."""
    _check(tokens, items, DRAWN)
    rng = np.random.default_rng(seed)
    p = family.right(N)
    wrong = rng.binomial(tokens, 1 - p[:, None], (len(p), items))
    return EmergenceScores(
        N, tokens, items, (wrong == 0).mean(1), wrong.mean(1), (1 - p) ** 2, measured=True
    )


@dataclass(frozen=True, eq=False)
class EmergenceStudy(Displayed):
    """One family of models on one test: what they score, what they would on endless items.

    `first` [params] is the size from which the test most likely shows an exact match, `needed` (k,)
    how many items would show one of each model.
    """

    family: AnswerLossFamily
    scores: EmergenceScores
    smooth: EmergenceScores
    first: float
    needed: Numbers


def study_emergence(
    family: AnswerLossFamily, N: Numbers, tokens: int, items: int, seed: int = 0
) -> EmergenceStudy:
    """Return what models of N [params] (k,) score on a test of `items` answers (simulated)."""
    scores = simulate(family, N, tokens, items, seed)
    smooth = expected(family, np.geomspace(N[0], N[-1], STEPS), tokens)
    first = first_seen(family, tokens, items)
    return EmergenceStudy(family, scores, smooth, first, items_to_see(family.right(N), tokens))


def items_to_see(right: Numbers, tokens: int, confidence: float = 0.95) -> Numbers:
    """Return how many items (k,) show at least one exact match, with this confidence.

    A token right with probability p makes a whole answer right with p^tokens; fewer items than
    these will most likely score zero, and the ability looks absent.

    >>> items_to_see(np.array([0.5]), 10).round()
    array([3066.])
    """
    _check(tokens, 1)
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}; it must lie between 0 and 1")
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(-confidence) / np.log1p(-(np.asarray(right) ** tokens)))


def first_seen(
    family: AnswerLossFamily, tokens: int, items: int, confidence: float = 0.95
) -> float:
    """Return the parameters N from which so many items most likely show an exact match.

    It is where the ability "emerges" on this test set: more items move it to smaller models.
    """
    _check(tokens, items)
    whole = -np.expm1(np.log1p(-confidence) / items)  # p^tokens that these items can see
    loss = -np.log(whole) / tokens
    return float(family.scale / loss ** (1 / family.alpha))


def _check(tokens: int, items: int, most: int = 10**9) -> None:
    refuse_count("tokens", tokens, 1, MOST)
    refuse_count("items", items, 1, most)
