"""What samples cost: in FLOP, tokens, seconds, dollars, or counted by themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, UsageError
from isoflop.samples.sample_table import Samples
from isoflop.samples.tallies import Tally

UNITS: Mapping[str, str] = {
    "flop": "FLOP",
    "tokens": "tokens",
    "seconds": "seconds",
    "dollars": "dollars",
    "samples": "samples",
}
NEEDS: Mapping[str, tuple[str, ...]] = {"dollars": ("prompt_tokens", "tokens"), "samples": ()}
MILLION = 1e6  # tokens, which a price is for


@dataclass(frozen=True)
class Prices:
    """What a host asks for a million tokens [dollars]: of a prompt that is read, and generated.

    Raises UsageError for a price that is below zero, or no number.
    """

    prompt: float
    generated: float

    def __post_init__(self) -> None:
        """Refuse prices that are none."""
        for price in (self.prompt, self.generated):
            if not (math.isfinite(price) and price >= 0):
                raise UsageError(f"a price is {price}; give dollars per million tokens, 0 or more")


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What samples cost, and how much is spent on a problem.

    Cost is counted in `unit`, at the `prices` of a host where that is dollars; `budgets` [unit]
    are looked at, or a few from the least to the most that the samples allow.
    """

    unit: str | None = None
    prices: Prices | None = None
    budgets: Sequence[float] | None = None

    def counted(self, samples: Samples | Tally) -> str:
        """Return what cost is counted in; see `unit_of`."""
        return unit_of(samples, self.unit, self.prices)

    def cost(self, samples: Samples | Tally, k: float, verified: bool) -> Numbers:
        """Return what k samples of each problem cost (p,); see `cost_of`."""
        return cost_of(samples, k, self.counted(samples), verified, self.prices)


def unit_of(samples: Samples | Tally, unit: str | None = None, prices: Prices | None = None) -> str:
    """Return what cost is counted in: dollars at known prices, else FLOP, tokens or samples.

    Raises UsageError for a unit that the samples do not state.
    """
    if unit not in (None, *UNITS):
        raise UsageError(f"no unit called {unit!r}; count in {', '.join(UNITS)}")
    if unit == "dollars" or (unit is None and prices is not None):
        return _in_dollars(samples, prices)
    units = [u for u in UNITS if u != "dollars" and states(samples, u)]
    if unit is None:
        return units[0]
    if unit not in units:
        raise UsageError(f"the samples do not state their {unit}; count in {', '.join(units)}")
    return unit


def states(samples: Samples | Tally, unit: str) -> bool:
    """Return whether the samples of every problem state what a unit needs."""
    return _stated(samples, *NEEDS.get(unit, (unit,)))


def cost_of(
    samples: Samples | Tally, k: float, unit: str, verified: bool, prices: Prices | None = None
) -> Numbers:
    """Return what k samples of each problem cost (p,).

    A prompt is read once for all of them, by the model and, where they are `verified`, by the
    verifier; dollars are those of one request for k samples, which pays for its prompt once.
    Tokens are generated ones, and seconds those of all samples one after another. What samples
    do not state counts as nothing, which `uncounted` says.
    """
    if unit == "samples":
        return np.full(len(samples.problems), float(k))
    if unit == "dollars":
        assert prices is not None
        read, written = samples.cost["prompt_tokens"], samples.cost["tokens"]
        return np.asarray((read * prices.prompt + k * written * prices.generated) / MILLION)
    each, once = samples.cost[unit], np.zeros(len(samples.problems))
    if unit == "flop":
        once = once + _or_nothing(samples, "prompt_flop")
        if verified:
            once = once + _or_nothing(samples, "verifier_prompt_flop")
            each = each + _or_nothing(samples, "verifier_flop")
    return np.asarray(once + k * each)


def cost_of_run(
    samples: Samples | Tally, unit: str, prices: Prices | None = None
) -> Numbers | None:
    """Return what a run of a strategy costs on each problem (p,), None where that is not stated.

    Its verifier is counted. How many samples it drew within is not known, so samples are no unit.
    """
    if unit == "samples" or not states(samples, unit):
        return None
    return cost_of(samples, 1, unit, True, prices)


def uncounted(samples: Samples | Tally, unit: str, verified: bool) -> tuple[Note, ...]:
    """Return what is not in the cost, though it has one."""
    if unit == "dollars":
        return (
            Note(
                "info", "cost", "a verifier costs no dollars here: prices are of the model's tokens"
            ),
        ) * verified
    if unit != "flop":
        return ()
    parts = {"prompt_flop": "reading a prompt"} | (
        {"verifier_flop": "a verifier"} if verified else {}
    )
    return tuple(
        Note(
            "info",
            "cost",
            f"the samples do not state the FLOP of {what} ({name}): it counts as nothing",
        )
        for name, what in parts.items()
        if not _stated(samples, name)
    )


def _in_dollars(samples: Samples | Tally, prices: Prices | None) -> str:
    if prices is None:
        raise UsageError("dollars need --price-in and --price-out, per million tokens")
    if lacking := [n for n in NEEDS["dollars"] if not _stated(samples, n)]:
        raise UsageError(f"dollars need the samples' {' and '.join(lacking)}, which they lack")
    return "dollars"


def _or_nothing(samples: Samples | Tally, name: str) -> Numbers | float:
    return samples.cost[name] if _stated(samples, name) else 0.0


def _stated(samples: Samples | Tally, *names: str) -> bool:
    return all(n in samples.cost and bool(np.isfinite(samples.cost[n]).all()) for n in names)
