"""Scores of tasks at a scale that has not been run: fit, backtest, class and forecast of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.downstream.chain import (
    LINK,
    TwoStepFit,
    chain,
    forecast_score,
    refuse_no_shares,
)
from isoflop.downstream.methods import (
    DownstreamMethod,
    Missed,
    backtest,
    loss_growth,
    nearest,
    rms,
    ways,
)
from isoflop.downstream.task import Signal, classify, signal
from isoflop.errors import RefusedByData, UnknownName, UsageError
from isoflop.forecasting import Forecast
from isoflop.report.display import Displayed
from isoflop.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSteps:
    """The two steps, from scale to loss and on to the score, and how they are fitted and tested.

    `law` is that of the first step (`over` its input, if it leaves one open), `link` that of the
    second with parameters pinned by `fix`. Larger runs are held out at `cuts` places.
    """

    law: str = "chinchilla"
    over: str | None = None
    link: str = LINK
    fix: Mapping[str, float] | None = None
    cuts: int = 3
    draws: int = 1000
    level: float = 0.9
    seed: int = 0
    cluster: str | None = None

    @property
    def forms(self) -> dict[str, Any]:
        """What says which laws are fitted."""
        return {"law": self.law, "over": self.over, "link": self.link, "fix": self.fix}

    @property
    def resampling(self) -> dict[str, Any]:
        """What says how draws are made."""
        return {
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
            "cluster": self.cluster,
        }


@dataclass(frozen=True, eq=False)
class TaskForecast(Displayed):
    """One task: its noise, class, backtest and forecast; `chain` is None without a forecast.

    `chance` is the score of a guess, None where nobody states it; `reason` is why there is no
    forecast, or no backtest.
    """

    name: str
    runs: Runs
    chance: float | None
    signal: Signal
    grade: str
    missed: tuple[Missed, ...]
    methods: tuple[DownstreamMethod, ...]
    chain: TwoStepFit | None
    forecast: Forecast | None
    reason: str

    @property
    def missed_by(self) -> float:
        """The rms error of the chain on the largest runs, from all others; NaN if untested."""
        return rms(nearest(self.missed, self.methods[0]), self.methods[0])


@dataclass(frozen=True, eq=False)
class TaskForecasts(Displayed):
    """What is forecast of several tasks at one run, `at`, empty where no run is asked about."""

    tasks: tuple[TaskForecast, ...]
    at: Mapping[str, float]

    @property
    def is_refused(self) -> bool:
        """Whether no task can be forecast."""
        return all(task.chain is None for task in self.tasks)


def forecast_tasks(
    tables: Mapping[str, Runs],
    chance: Mapping[str, float] | None = None,
    steps: TwoSteps = TwoSteps(),
    **at: float,
) -> TaskForecasts:
    """Return the forecast of each task at the run that `at` says, from its runs (`read_tasks`).

    Raises UnknownName for the chance of a task that is not there, UsageError for one that is no
    share.
    """
    levels = _chances(chance, tables)
    tasks = (
        _task_forecast(name, runs, levels.get(name), steps, at) for name, runs in tables.items()
    )
    return TaskForecasts(tuple(tasks), at)


def _task_forecast(
    name: str, runs: Runs, chance: float | None, steps: TwoSteps, at: Mapping[str, float]
) -> TaskForecast:
    methods = ways(runs, **steps.forms)
    refuse_no_shares(runs)
    noise = signal(runs, chance)
    missed: tuple[Missed, ...] = ()
    fit, forecast, reason, grade = None, None, "", "at chance"
    if noise.at_chance:
        reason = (
            f"the better third of its runs scores {noise.best:.3g}, {noise.ratio:+.1f} sd of noise "
            f"from {'chance' if chance is not None else 'the rest'}: not predictable yet; make "
            "larger runs, or take a task that is easier to score"
        )
    else:
        try:
            missed = backtest(runs, methods, chance, steps.cuts)
        except RefusedByData as untested:
            reason = f"no backtest: {untested}"
        grade = classify(noise, rms(nearest(missed, methods[0]), methods[0]))
        growth = loss_growth(runs, methods[0])
        try:
            fit = chain(runs, chance=chance, growth=growth, **steps.forms, **steps.resampling)
            forecast = forecast_score(fit, **at) if at else None
        except RefusedByData as refusal:
            fit, reason = None, str(refusal)
    return TaskForecast(
        name=name,
        runs=runs,
        chance=chance,
        signal=noise,
        grade=grade,
        missed=missed,
        methods=methods,
        chain=fit,
        forecast=forecast,
        reason=reason,
    )


def _chances(stated: Mapping[str, float] | None, tasks: Mapping[str, Runs]) -> dict[str, float]:
    """Return the score of a guess by task."""
    levels = dict(stated or {})
    for name, value in levels.items():
        if name not in tasks:
            raise UnknownName("task", name, tasks)
        if not 0 <= value < 1:
            raise UsageError(f"--chance {name} is {value:g}; a guess scores from 0 to below 1")
    return levels
