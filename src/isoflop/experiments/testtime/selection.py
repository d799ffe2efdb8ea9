"""One answer out of several: by the most votes, the highest score, or the highest sum of scores.

An answer of -1 is none, and never chosen unless there is no other. Of answers that tie, the one
that came first is chosen, which among samples in random order favours none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.experiments.testtime.outcome import ComputeCost, Responses, StrategyAnswers

NONE = -1
FORCED = 3  # tokens that come with an answer asked for early: the request, the answer, the stop


def best(answers_pn: Integers, scores_pn: Numbers) -> Integers:
    """Return the answer (p,) of the highest score among those that answer."""
    scores = np.where(answers_pn == NONE, -np.inf, scores_pn)
    return np.asarray(answers_pn[np.arange(len(answers_pn)), scores.argmax(1)])


def weighted(answers_pn: Integers, scores_pn: Numbers) -> Integers:
    """Return the answer (p,) whose samples have the highest sum of scores."""
    same_pnn = answers_pn[:, :, None] == answers_pn[:, None]
    return best(answers_pn, np.einsum("pij,pj->pi", same_pnn, scores_pn))


def majority(answers_pn: Integers, scores_pn: Any = None) -> Integers:
    """Return the answer (p,) of the most samples; no score counts."""
    return weighted(answers_pn, np.ones(answers_pn.shape))


CHOICES: Mapping[str, Callable[[Integers, Numbers], Integers]] = MappingProxyType(
    {"best": best, "weighted": weighted, "majority": majority}
)


def settled(answers_pn: Integers, confidence: float) -> npt.NDArray[np.bool_]:
    """Return which votes (p,) hardly more samples would change.

    The two leading answers are held against each other: under a uniform prior, the chance that
    the first is the likelier must reach `confidence`.
    Source: Aggarwal et al. 2023, arXiv:2305.11860, the Beta criterion.
    """
    from scipy.special import betainc

    codes = np.arange(answers_pn.max(initial=0) + 1)
    counts = np.sort((answers_pn[:, :, None] == codes).sum(1), axis=1)
    first = counts[:, -1]
    second = counts[:, -2] if codes.size > 1 else np.zeros_like(first)
    return np.asarray(betainc(second + 1.0, first + 1.0, 0.5) >= confidence)


def allotted(scores_n: Numbers, slots: int, temperature: float) -> Integers:
    """Return how many of `slots` each of n partial responses gets: softmax(scores / temperature).

    Shares are rounded by largest remainders, so that they add up.
    Source: Wu et al. 2024, arXiv:2408.00724 (REBASE), which rounds each by itself.
    """
    weights = np.exp((scores_n - scores_n.max()) / temperature)
    shares = slots * weights / weights.sum()
    whole = np.floor(shares).astype(np.int64)
    rest = np.argsort(whole - shares, kind="stable")[: slots - int(whole.sum())]
    whole[rest] += 1
    return np.asarray(whole)


def chosen(responses: Responses, by: str) -> StrategyAnswers:
    """Return the answer that is chosen among whole responses, and what they cost."""
    choice = CHOICES[by](responses.answers, responses.scores)
    same = responses.answers == choice[:, None]
    score = np.where(same, responses.scores, -np.inf).max(1)
    return StrategyAnswers(choice, cost_of(responses), np.where(np.isfinite(score), score, np.nan))


def cost_of(responses: Responses) -> ComputeCost:
    """Return what whole responses cost (p,)."""
    return ComputeCost(
        responses.lengths.sum(1).astype(float),
        responses.flop.sum(1),
        responses.prompt_flop,
        responses.verifier_flop.sum(1),
        responses.verifier_prompt_flop,
    )
