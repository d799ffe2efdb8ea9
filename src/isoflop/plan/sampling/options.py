"""What can be done with samples at test time, at which price: the options of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.plan.sampling.prices import Spending
from isoflop.samples.coverage import k_grid
from isoflop.samples.curves import best_each
from isoflop.samples.sample_table import Samples
from isoflop.samples.votes import ENOUGH, votes


@dataclass(frozen=True, eq=False)
class SamplingChoice:
    """A way to answer: how often it is right (p,), and what it costs (p,), for each problem."""

    name: str
    right: Numbers
    cost: Numbers

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
        SamplingChoice(f"{name}, k={k_:g}", right, spending.cost(samples, k_, verified and k_ > 1))
        for name, chance, verified in _ways(samples, k, seed)
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
    alone = {name: chance for name, chance, _ in _ways(first, np.array([had]), seed)}
    choices = []
    for name, chance, verified in _ways(rest, more, seed, first, enough):
        for k, right in zip([had, *(had + more)], np.hstack([alone[name], chance]).T, strict=True):
            checked = verified and k > 1
            cost = spending.cost(rest, k, checked)
            choices.append(
                SamplingChoice(f"{name}, k={k:g}", right, cost if checked else cost + judging)
            )
    return tuple(choices)


def _ways(
    samples: Samples, k: Numbers, seed: int, other: Samples | None = None, enough: int = ENOUGH
) -> Iterator[tuple[str, Numbers, bool]]:
    """Yield each way to use k samples: its name, how often it is right (p, g), if it verifies."""
    usable = [name for name, scores in samples.scores.items() if np.isfinite(scores).all()]
    if other is not None:
        usable = [name for name in usable if np.isfinite(other.scores[name]).all()]
    if samples.answer is None and not usable:
        raise UsageError("there are neither answers to vote on nor scores to choose by")
    if samples.answer is not None:
        yield "majority", votes(samples, k, None, seed, other, enough)[0], False
    for name in usable:
        yield f"best of k by {name}", best_each(samples, name, k, other), True
        if samples.answer is not None and not _negative(name, samples, other):
            yield f"vote weighted by {name}", votes(samples, k, name, seed, other, enough)[0], True


def _negative(verifier: str, *parts: Samples | None) -> bool:
    return any((part.scores[verifier] < 0).any() for part in parts if part is not None)
