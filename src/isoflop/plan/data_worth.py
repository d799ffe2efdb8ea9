"""What a token of one's own data is worth in tokens of the data that a law was fitted on.

Better, deduplicated or synthetic text moves a law along D. How far is for the user to state, by
cause; the product counts, and its range goes through the plan as draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from isoflop.arrays import Numbers
from isoflop.atlas import Range, Spread
from isoflop.errors import Note, UsageError
from isoflop.law import Array, LossLaw
from isoflop.quantities import show

DRAWS = 1000  # where the law has none of its own
HELD = 0.9  # the share of draws between low and high
_IN_TOKENS = ("D", "U")
_LEAST, _MOST = 1e-3, 1e3


@dataclass(frozen=True, eq=False)
class EffectiveData:
    """A law whose tokens count for `worth` each: one number, or one (s, 1) for every draw."""

    law: LossLaw
    worth: float | Numbers

    closed_forms: ClassVar[Mapping[str, Callable[..., Any]]] = MappingProxyType({})

    @property
    def key(self) -> str:
        """What the law is called."""
        return self.law.key

    @property
    def takes(self) -> tuple[str, ...]:
        """The quantities that the law takes."""
        return self.law.takes

    @property
    def members(self) -> int | None:
        """How many draws there are; None for one law of one worth."""
        return self.law.members or (np.shape(self.worth)[0] if np.ndim(self.worth) else None)

    def __call__(self, *args: Any, **inputs: Any) -> Array:
        """Predict at tokens that count for what they are worth."""
        scaled = {s: v * self.worth if s in _IN_TOKENS else v for s, v in inputs.items()}
        return self.law(*args, **scaled)


def total_worth(worth: Mapping[str, Spread]) -> Range:
    """Return the product of what causes make of a token; ends go with ends.

    Raises UsageError for what is no multiplier from 0.001 to 1,000.
    """
    total = Range.of(1.0)
    for cause, spread in worth.items():
        factor = Range.of(spread, f"the worth of data by {cause}")
        if not _LEAST <= factor.low <= factor.high <= _MOST:
            raise UsageError(
                f"the worth of data by {cause} is {factor.low:g} to {factor.high:g}; it is tokens "
                "of the law's data for one of yours, such as 1.2"
            )
        total = total * factor
    return total


def drawn_worth(worth: Mapping[str, Spread], draws: int, seed: int = 0) -> Numbers:
    """Return draws (s, 1) of the product: each cause on its own, log-normal on either side.

    90 % of the draws of a cause lie from its low to its high, and half below its typical value.
    """
    rng, quantile = np.random.default_rng(seed), NormalDist().inv_cdf((1 + HELD) / 2)
    log_s = np.zeros(draws)
    for spread in worth.values():
        factor = Range.of(spread)
        z = rng.standard_normal(draws) / quantile
        up, down = np.log(factor.high / factor.typical), np.log(factor.typical / factor.low)
        log_s += np.log(factor.typical) + np.where(z > 0, z * up, z * down)
    return np.exp(log_s)[:, None]


def valued(law: LossLaw, worth: Mapping[str, Spread] | None) -> LossLaw:
    """Return a law whose tokens count for their typical worth; the law where none is stated."""
    return law if not worth else EffectiveData(law, total_worth(worth).typical)


def valued_draws(
    law: LossLaw, draws: LossLaw | None, worth: Mapping[str, Spread] | None
) -> LossLaw | None:
    """Return draws whose tokens count for a drawn worth each.

    A law without draws of its own gets some where the worth is a range.
    """
    if not worth or (draws is None and total_worth(worth).exact):
        return draws
    count = (draws.members if draws is not None else None) or DRAWS
    return EffectiveData(law if draws is None else draws, drawn_worth(worth, count))


def worth_note(worth: Mapping[str, Spread]) -> Note:
    """Return what a reader must know of a plan whose tokens count for more, or less, than one."""
    total = total_worth(worth)
    causes = ", ".join(f"{cause} {Range.of(spread).typical:.3g}" for cause, spread in worth.items())
    text = f"a token counts as {show(total.typical)} of the data behind the law ({causes})"
    if not total.exact:
        text += f", {show(total.low)} to {show(total.high)} at the ends: intervals hold that"
    return Note("doubt", "data-worth", f"{text}; this is stated by you, and no run behind it")
