"""The law of over-optimisation of every proxy, and one law for all of their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.assess.reward.evidence import RewardInput
from isoflop.assess.reward.overoptimisation import (
    Overoptimisation,
    draws_of_sizes,
    ends,
    of_sizes,
    overoptimisation,
)
from isoflop.law import Law
from isoflop.report.display import Displayed

OF_SIZE = {"bon-reward": "bon-reward-of-size", "rl-reward": "rl-reward-of-size"}
FEWEST_SIZES = 3


@dataclass(frozen=True, eq=False)
class SizeLaw(Displayed):
    """One law for all sizes of proxy; `rms` is how far its points lie off it [reward]."""

    law: Law
    intervals: Mapping[str, tuple[float, float]]
    rms: float


@dataclass(frozen=True, eq=False)
class RewardFits(Displayed):
    """The law of each proxy, with intervals at `level`; `of_size` is None for few sizes."""

    read: RewardInput
    fits: Mapping[str, Overoptimisation]
    of_size: SizeLaw | None
    level: float


def fit_rewards(read: RewardInput, *, form: str | None = None, level: float = 0.9) -> RewardFits:
    """Return the law of every proxy, `form` or the one that forecasts larger KL best.

    Raises what `overoptimisation` raises.
    """
    fits = {n: overoptimisation(e, form=form, level=level) for n, e in read.evidence.items()}
    return RewardFits(read, fits, _of_size(read, level), level)


def _of_size(read: RewardInput, level: float) -> SizeLaw | None:
    """Return one law for all sizes, in the form that is meant for what was run."""
    points = list(read.evidence.values())
    if len({e.size for e in points if e.size is not None}) < FEWEST_SIZES:
        return None
    key = OF_SIZE["rl-reward" if read.table is None else "bon-reward"]
    positive = [e.part(e.d > 0) for e in points]
    law, draws = of_sizes(positive, key), draws_of_sizes(positive, key)
    units = points[0].units
    intervals = {p: ends(getattr(draws, p), level, units) for p in type(law).params}
    residuals = np.concatenate([e.R - law(d=e.d, N=float(e.size)) for e in positive if e.size])
    return SizeLaw(law, intervals, float(np.sqrt((residuals**2).mean())))
