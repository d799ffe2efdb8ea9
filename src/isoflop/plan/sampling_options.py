"""What can be done with samples at test time, at which price: the options of a policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.errors import UsageError
from isoflop.samples.coverage import k_grid
from isoflop.samples.curves import best_each
from isoflop.samples.sample_table import Samples
from isoflop.samples.votes import votes

Numbers = npt.NDArray[np.float64]

UNITS: Mapping[str, str] = {"flop": "FLOP", "tokens": "tokens", "seconds": "seconds",
                            "samples": "samples"}  # fmt: skip


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


def unit_of(samples: Samples, unit: str | None = None) -> str:
    """Return what cost is counted in: FLOP if they are known, else tokens, else samples.

    Raises UsageError for a unit that the samples do not state.
    """
    known = [u for u in ("flop", "tokens", "seconds") if _stated(samples, u)] + ["samples"]
    if unit is None:
        return known[0]
    if unit not in known:
        raise UsageError(f"the samples do not state their {unit}; count in {', '.join(known)}")
    return unit


def cost_of(samples: Samples, k: float, unit: str, verified: bool) -> Numbers:
    """Return what k samples of each problem cost (p,): the prompt is read once for all of them.

    A verifier's price is counted for what it scores, in FLOP.
    """
    count = len(samples.problems)
    if unit == "samples":
        return np.full(count, float(k))
    each = samples.spent[unit]
    if unit != "flop":
        return np.asarray(k * each)
    once = samples.spent.get("prompt_flop", np.zeros(count))
    check = samples.spent.get("verifier_flop", np.zeros(count)) if verified else 0.0
    return np.asarray(np.nan_to_num(once) + k * (each + np.nan_to_num(check)))


def options(samples: Samples, unit: str, *, seed: int = 0) -> tuple[Option, ...]:
    """Return the votes and the best of k, by every verifier, for k = 1, 2, 4, ...

    Verifiers with scores that are missing or below zero weigh no votes.
    """
    reach = samples.counts.reach
    k = k_grid(reach, 4).astype(float)
    found: list[Option] = []
    if samples.answer is not None:
        found += _along("majority", k, votes(samples, k, seed=seed)[0], samples, unit, False)
    for name, scores in samples.scores.items():
        if not np.isfinite(scores).all():
            continue
        chance = best_each(samples, name, k)
        found += _along(f"best of k by {name}", k, chance, samples, unit, True)
        if samples.answer is not None and not (scores < 0).any():
            chance = votes(samples, k, name, seed)[0]
            found += _along(f"vote weighted by {name}", k, chance, samples, unit, True)
    if not found:
        raise UsageError("there are neither answers to vote on nor scores to choose by")
    return tuple(found)


def _along(
    name: str, k: Numbers, chance: Numbers, samples: Samples, unit: str, verified: bool
) -> list[Option]:
    return [
        Option(f"{name}, k={k_:g}", chance[:, g], cost_of(samples, k_, unit, verified and k_ > 1))
        for g, k_ in enumerate(k)
    ]


def _stated(samples: Samples, unit: str) -> bool:
    return unit in samples.spent and bool(np.isfinite(samples.spent[unit]).all())
