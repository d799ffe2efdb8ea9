"""How a model is trained: batch, rate and averaging as functions of the tokens seen; no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from isoflop.errors import UsageError

Schedule = Literal["constant-average", "wsd"]


class Leg(NamedTuple):
    """A stretch of training that ends at `until` tokens.

    A leg that `decays` brings the rate to zero and is then undone, so that the trunk goes on
    from where it was. A leg that is `scored` ends in a measured loss.
    """

    until: int
    decays: bool
    scored: bool


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """Everything about training that does not depend on the model.

    All of it is a function of tokens seen, never of the run's end: the first D tokens of a long
    run are the run of D tokens, so that one run gives a loss at many D. The batch [tokens] is
    `batch` until `ramp` tokens and then grows as their square root up to `largest`: a fixed
    large batch would leave short runs short of steps, a fixed small one would leave long runs
    noisy. `lr` is the rate of a model of width 64.
    """

    lr: float = 6e-3
    batch: int = 512
    ramp: int = 131_072
    largest: int = 8_192
    warmup: int = 32_768
    schedule: Schedule = "constant-average"
    window: float = 0.1
    decay: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a recipe that cannot be followed."""
        if self.schedule not in ("constant-average", "wsd"):
            raise UsageError(f"schedule {self.schedule!r} is neither 'constant-average' nor 'wsd'")
        if not (0 < self.window < 1 and 0 < self.decay < 1):
            raise UsageError(f"window {self.window} and decay {self.decay} must lie within 0 and 1")
        if min(self.lr, self.batch, self.ramp, self.warmup) <= 0 or self.largest < self.batch:
            raise UsageError(f"{self} holds a number that no training can have")

    def sequences(self, tokens: int, context: int) -> int:
        """Return the sequences of the step that is taken after `tokens` tokens."""
        grown = self.batch * math.sqrt(max(1.0, tokens / self.ramp))
        return max(1, round(min(grown, self.largest) / context))

    def rate(self, tokens: int) -> float:
        """Return the rate of the step after `tokens` tokens: a linear warm-up, then constant."""
        return self.lr * min(1.0, (tokens + self.batch) / self.warmup)

    def share(self, before: int, after: int) -> float:
        """Return the weight that the newest iterate takes in the average.

        The average weighs the iterate of d tokens by d^(1/window - 1), so that it follows about
        the last `window` of the run, whenever the run is asked.
        """
        return float(1.0 - (before / after) ** (1.0 / self.window))

    def legs(self, points: tuple[int, ...]) -> tuple[Leg, ...]:
        """Return the stretches that measure a loss at each of `points` [tokens]."""
        if self.schedule == "constant-average":
            return tuple(Leg(d, decays=False, scored=True) for d in points)
        pairs = ((round(d * (1 - self.decay)), d) for d in points)
        return tuple(
            leg
            for trunk, end in pairs
            for leg in (Leg(trunk, decays=False, scored=False), Leg(end, decays=True, scored=True))
        )

    def tokens(self, points: tuple[int, ...]) -> int:
        """Return the tokens trained on to measure `points`, branches included."""
        if self.schedule == "constant-average":
            return max(points)
        return round(max(points) * (1 - self.decay)) + sum(round(d * self.decay) for d in points)

    def reach(self, tokens: float, context: int) -> tuple[int, int]:
        """Return the tokens seen once `tokens` are reached, a whole number of steps, and those."""
        total = steps = 0
        while total < tokens:
            total += self.sequences(total, context) * context
            steps += 1
        return total, steps
