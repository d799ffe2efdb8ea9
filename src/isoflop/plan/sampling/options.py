"""What can be done with samples at test time, at which price: the options of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.plan.sampling.prices import Spending
from isoflop.samples.coverage import k_grid
from isoflop.samples.curves import best_each
from isoflop.samples.sample_table import Samples
from isoflop.samples.votes import ENOUGH, votes


@dataclass(frozen=True, slots=True)
class Way:
    """How samples become an answer: by votes or the best of them, and by which verifier."""

    rule: Literal["majority", "best", "weighted"]
    verifier: str | None = None

    @property
    def name(self) -> str:
        """The way in words."""
        if self.rule == "majority":
            return "majority"
        words = "best of k by" if self.rule == "best" else "vote weighted by"
        return f"{words} {self.verifier}"


@dataclass(frozen=True, eq=False)
class SamplingChoice:
    """A way to answer: how often it is right (p,), and what it costs (p,), for each problem.

    `way` is how samples are used, whatever their number; None for a strategy by itself.
    """

    name: str
    right: Numbers
    cost: Numbers
    way: Way | None = None

    @property
    def family(self) -> str:
        """The name of the way, or of the strategy."""
        return self.name if self.way is None else self.way.name

    @property
    def price(self) -> float:
        """The mean cost over problems."""
        return float(self.cost.mean())


def options(samples: Samples, spending: Spending, *, seed: int = 0) -> tuple[SamplingChoice, ...]:
    """Return the votes and the best of k, by every verifier, for k = 1, 2, 3, 6, ...

    A verifier that gave some samples no score chooses nothing, and one with scores below zero
    weighs no votes.
    """
    k = k_grid(samples.counts.reach, 4).astype(float)
    return tuple(
        SamplingChoice(
            f"{way.name}, k={k_:g}",
            right,
            spending.cost(samples, k_, way.verifier is not None and k_ > 1),
            way,
        )
        for way, chance in _ways(samples, k, seed)
        for k_, right in zip(k, chance.T, strict=True)
    )


def options_after(
    first: Samples,
    rest: Samples,
    spending: Spending,
    *,
    verifier: bool,
    seed: int = 0,
    enough: int = ENOUGH,
) -> tuple[SamplingChoice, ...]:
    """Return the options of whoever has drawn the `first` samples of each problem already.

    They take part in every vote and choice, and k counts them. Their price is in every cost, with
    that of the `verifier` if it judged them. `enough` is the number of draws behind a vote.
    """
    had = float(np.diff(first.starts)[0])
    more = k_grid(rest.counts.reach, 4).astype(float)
    unverified = spending.cost(rest, had, False)
    judging = spending.cost(rest, had, True) - unverified if verifier else 0.0 * unverified
    alone = {way: chance for way, chance in _ways(first, np.array([had]), seed)}
    choices = []
    for way, chance in _ways(rest, more, seed, first, enough):
        for k, right in zip([had, *(had + more)], np.hstack([alone[way], chance]).T, strict=True):
            checked = way.verifier is not None and k > 1
            cost = spending.cost(rest, k, checked)
            choices.append(
                SamplingChoice(
                    f"{way.name}, k={k:g}", right, cost if checked else cost + judging, way
                )
            )
    return tuple(choices)


def _ways(
    samples: Samples, k: Numbers, seed: int, other: Samples | None = None, enough: int = ENOUGH
) -> Iterator[tuple[Way, Numbers]]:
    """Yield each way to use k samples, and how often it is right (p, g)."""
    usable = [name for name, scores in samples.scores.items() if np.isfinite(scores).all()]
    if other is not None:
        usable = [name for name in usable if np.isfinite(other.scores[name]).all()]
    if samples.answer is None and not usable:
        raise UsageError("there are neither answers to vote on nor scores to choose by")
    if samples.answer is not None:
        yield Way("majority"), votes(samples, k, None, seed, other, enough)[0]
    for name in usable:
        yield Way("best", name), best_each(samples, name, k, other)
        if samples.answer is not None and not _negative(name, samples, other):
            yield Way("weighted", name), votes(samples, k, name, seed, other, enough)[0]


def _negative(verifier: str, *parts: Samples | None) -> bool:
    return any((part.scores[verifier] < 0).any() for part in parts if part is not None)
