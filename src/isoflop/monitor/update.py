"""A fit held against runs that it had not seen, and fitted again with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess import Pool, again
from isoflop.errors import NoOptimum, RefusedByData
from isoflop.fitting import refit
from isoflop.forecasting import Forecast, Model, forecast
from isoflop.plan import optimum
from isoflop.report.display import Displayed
from isoflop.runs import Runs, refuse_clash


@dataclass(frozen=True, slots=True)
class ForecastOutcome(Displayed):
    """A forecast of a run, and what was measured."""

    name: str
    forecast: Forecast
    truth: float

    @property
    def inside(self) -> bool | None:
        """Whether the interval holds the truth; None without an interval."""
        if self.forecast.low is None or self.forecast.high is None:
            return None
        return self.forecast.low <= self.truth <= self.forecast.high

    @property
    def error(self) -> float:
        """The forecast against the truth: 0.01 is one per cent too high."""
        return self.forecast.value / self.truth - 1


@dataclass(frozen=True, eq=False)
class BestSplits:
    """The best N, D and its L at C = 6ND, the largest budget of the runs, before and after."""

    C: float
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Update(Displayed):
    """A model before and after new runs, and its forecast of each of them.

    `repeats` runs were behind the model already, and are left out.
    """

    before: Model
    after: Model
    outcomes: tuple[ForecastOutcome, ...]
    repeats: int

    @property
    def covered(self) -> int | None:
        """How many intervals hold their truth; None without intervals."""
        if self.outcomes[0].inside is None:
            return None
        return sum(bool(outcome.inside) for outcome in self.outcomes)

    @property
    def errors(self) -> Numbers:
        """How far each forecast was off, as a share of the truth, without its sign (n,)."""
        return np.array([abs(outcome.error) for outcome in self.outcomes])

    def best_splits(self) -> BestSplits | None:
        """Return the optimum of both at the largest budget; None for a law without one."""
        if set(self.before.binding.takes) != {"N", "D"}:
            return None
        runs = self.after.runs
        C = float((6 * runs["N"] * runs["D"]).max())
        try:
            return BestSplits(C, _best_split(self.before, C), _best_split(self.after, C))
        except NoOptimum:
            return None


def update(model: Model, runs: Runs, *, growth: float | None = None) -> Update:
    """Hold a fit, or a pool, against runs that it has not seen, then fit all of them together.

    `growth` is the error of the form per factor e beyond the runs. Runs that the model has
    already are left out.

    Raises ConventionMismatch, BadRuns for a column that the law needs, RefusedByData where no
    run is new.
    """
    new = _unseen(model, runs)
    takes, predicts = model.binding.takes, model.binding.predicts
    names = new.labels.get("run", np.array([f"row {row}" for row in new.rows]))
    outcomes = tuple(
        ForecastOutcome(
            str(names[i]),
            forecast(model, growth=growth, **{s: float(new[s][i]) for s in takes}),
            float(new[predicts][i]),
        )
        for i in range(len(new))
    )
    both = model.runs + new
    after = again(model, both) if isinstance(model, Pool) else refit(model, both)
    return Update(model, after, outcomes, len(runs) - len(new))


def _unseen(model: Model, runs: Runs) -> Runs:
    """Return the runs that the model was not made of, once they are counted as its own are."""
    needed = (*model.binding.takes, model.binding.predicts)
    refuse_clash(model.conventions, runs.conventions, needed, ("the fit", runs.origin))
    runs.require(model.binding.takes)
    runs.require((model.binding.predicts,), positive=model.kind == "log")
    rows = set(zip(*(model.runs[s] for s in needed), strict=True))
    fresh = [row not in rows for row in zip(*(runs[s] for s in needed), strict=True)]
    if not any(fresh):
        raise RefusedByData(
            f"all {len(runs):,} runs of {runs.origin} are behind the fit already; "
            "give runs that it has not seen"
        )
    return runs.select(fresh)


def _best_split(model: Model, C: float) -> dict[str, float]:
    N, D = (float(np.ravel(value)[0]) for value in optimum(model.law, C))
    return {"N": N, "D": D, "L": float(np.ravel(model.predict(N=N, D=D))[0])}
