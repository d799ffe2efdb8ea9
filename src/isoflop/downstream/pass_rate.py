"""GPT-4's pass-rate law: the mean log pass rate of a model falls as a power of its compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, RefusedByData
from isoflop.fitting import Fit, fit
from isoflop.forecasting import Forecast, forecast
from isoflop.quantities import refuse_count
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.samples.mean_log_pass import MeanLogPass, mean_log_pass
from isoflop.sources.pass_counts import PassCounts

FEWEST = 3  # models that a power law of two parameters is fitted to
MOST_BUCKETS = 10


@dataclass(frozen=True, eq=False)
class PassRateLaw(Displayed):
    """The law of one selection of problems, and the pass rate that it forecasts.

    `measured` holds -mean ln(pass rate) of every model over the problems that all models solve;
    `fit` is A / C^alpha through it. `forecast` is of that mean at another C, None if none is asked.
    `buckets` are laws of these problems alone, easiest first.
    """

    counts: PassCounts
    measured: MeanLogPass
    fit: Fit[Any]
    forecast: Forecast | None
    notes: tuple[Note, ...]
    buckets: tuple[PassRateLaw, ...] = ()

    @property
    def pass_rate(self) -> Numbers:
        """The geometric mean (m,) over problems of each model's pass rate."""
        return np.asarray(np.exp(-self.measured.mlpr))


def pass_rate_law(
    counts: PassCounts,
    C: float | None = None,
    *,
    buckets: int = 1,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> PassRateLaw:
    """Return -E[ln pass rate] = A / C^alpha fitted to models, and what it forecasts at C [FLOP].

    The mean is over the problems that every model solves at least once. With several `buckets` the
    same is done for problems of like difficulty, by their mean log pass rate over all models.

    Raises RefusedByData for fewer than three models, CannotFit where no problem is solved by all.
    Source: OpenAI 2023, arXiv:2303.08774, section 3.2.
    """
    refuse_count("buckets", buckets, 1, MOST_BUCKETS)
    if counts.C.size < FEWEST:
        raise RefusedByData(
            f"{counts.C.size} models cannot tell a power law; give {FEWEST} or more, of other C"
        )
    options = {"draws": draws, "level": level, "seed": seed}
    everything = np.ones(len(counts.problems), bool)
    whole = _law(counts, everything, C, options)
    if buckets == 1:
        return whole
    solvable = np.flatnonzero(whole.measured.used)
    if solvable.size < buckets:
        raise RefusedByData(
            f"{solvable.size} problems are solved by all models, too few for {buckets} buckets"
        )
    rates = counts.solved[:, solvable] / counts.attempts[:, solvable]
    order = solvable[np.argsort(-np.log(rates).mean(0), kind="stable")]
    parts = []
    for which in np.array_split(order, buckets):
        mask = np.zeros(len(counts.problems), bool)
        mask[which] = True
        parts.append(_law(counts, mask, C, options))
    return PassRateLaw(counts, whole.measured, whole.fit, whole.forecast, whole.notes, tuple(parts))


def _law(counts: PassCounts, mask: Any, C: float | None, options: Any) -> PassRateLaw:
    """Return the law of the problems of a mask (p,)."""
    part = PassCounts(
        counts.C,
        tuple(name for name, used in zip(counts.problems, mask, strict=True) if used),
        counts.solved[:, mask],
        counts.attempts[:, mask],
        counts.origin,
    )
    measured = mean_log_pass(part.solved, part.attempts)
    runs = Runs({"C": part.C, "mlpr": measured.mlpr}, origin=counts.origin)
    line = fit("power", runs, over="C", predicts="mlpr", fix={"E": 0.0}, **options)
    prediction = None if C is None else forecast(line, C=C)
    return PassRateLaw(part, measured, line, prediction, (*measured.notes, *line.notes))
