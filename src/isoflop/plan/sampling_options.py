"""What can be done with samples at test time, at which price: the options of a policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.errors import UsageError
from isoflop.plan.sampling_prices import Prices, cost_of
from isoflop.samples.coverage import k_grid
from isoflop.samples.curves import best_each
from isoflop.samples.sample_table import Samples
from isoflop.samples.votes import votes

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Option:
    """A way to answer: how often it is right (p,), and what it costs (p,), for each problem."""

    name: str
    right: Numbers
    cost: Numbers

    @property
    def price(self) -> float:
        """The mean cost over problems."""
        return float(self.cost.mean())


def options(
    samples: Samples, unit: str, prices: Prices | None = None, *, seed: int = 0
) -> tuple[Option, ...]:
    """Return the votes and the best of k, by every verifier, for k = 1, 2, 3, 6, ...

    A verifier that gave some samples no score chooses nothing, and one with scores below zero
    weighs no votes.
    """
    k = k_grid(samples.counts.reach, 4).astype(float)
    found: list[Option] = []

    def along(name: str, chance: Numbers, verified: bool) -> None:
        for k_, right in zip(k, chance.T, strict=True):
            cost = cost_of(samples, k_, unit, verified and k_ > 1, prices)
            found.append(Option(f"{name}, k={k_:g}", right, cost))

    if samples.answer is not None:
        along("majority", votes(samples, k, seed=seed)[0], False)
    for name, scores in samples.scores.items():
        if not np.isfinite(scores).all():
            continue
        along(f"best of k by {name}", best_each(samples, name, k), True)
        if samples.answer is not None and not (scores < 0).any():
            along(f"vote weighted by {name}", votes(samples, k, name, seed)[0], True)
    if not found:
        raise UsageError("there are neither answers to vote on nor scores to choose by")
    return tuple(found)
