"""What few samples of a study forecast of its coverage, held against all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import RefusedByData
from isoflop.studies.reward import LEVEL

if TYPE_CHECKING:
    from isoflop.studies.testtime import Seed

FEW = 32  # samples a problem that coverage is forecast from
SEEN = (8,)  # of those, what a backtest sees
REPEATS = 2  # times that it draws them
DRAWS = 100  # of problems, behind the interval of a forecast


@dataclass(frozen=True)
class CoveragePrediction:
    """Coverage at `k` forecast from few samples of one seed, and what all of them show."""

    seed: str
    way: str
    k: int
    value: float
    low: float
    high: float
    truth: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


def forecasts(
    seeds: Sequence[Seed], seed: int
) -> tuple[tuple[CoveragePrediction, ...], Mapping[str, RefusedByData]]:
    """Return coverage at the last k forecast from few samples of each seed, or why it is not."""
    predictions, refused = [], {}
    for each in seeds:
        try:
            predictions.append(_forecast(each, seed))
        except RefusedByData as reason:
            refused[each.lineage] = reason
    return tuple(predictions), refused


def _forecast(each: Seed, seed: int) -> CoveragePrediction:
    """Forecast by the way that did best among the few samples themselves."""
    from isoflop.assess.coverage.extrapolation import bake_off, fit_coverage

    k = int(each.k[-1])
    if k <= FEW:
        raise RefusedByData(f"k reaches {k}; a forecast from {FEW} samples needs more to come")
    few = each.counts.thinned(FEW, np.random.default_rng(seed))
    tests = bake_off(few, chosen_sizes=SEEN, to=FEW, repeats=REPEATS, seed=seed)
    way = tests.order[0]
    error = float(np.sqrt(np.mean([h.error**2 for h in tests.of(way)])))
    fit = replace(fit_coverage(few, way, draws=DRAWS, level=LEVEL, seed=seed), error=error)
    low, high = (float(end[0]) for end in fit.interval(k))
    truth = float(each.curve("coverage")[-1])
    return CoveragePrediction(
        seed=each.lineage,
        way=way.name,
        k=k,
        value=float(fit.predict(k)),
        low=low,
        high=high,
        truth=truth,
    )
