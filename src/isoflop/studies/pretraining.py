"""A sweep of small transformers: the form by a backtest, a larger run forecast, trained, judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.assess import Backtest, Candidate, backtest
from isoflop.assess.extrapolation import calibration
from isoflop.errors import EnvironmentFailure, RefusedByData, UnknownName
from isoflop.experiments.display import shown
from isoflop.experiments.engines import run
from isoflop.experiments.pretrain import sweep
from isoflop.experiments.pretrain.sweep import PointSize, Pretrain
from isoflop.fitting import Fit, fit
from isoflop.forecasting import Forecast, forecast
from isoflop.laws import constants, form
from isoflop.plan import Plan, spend
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.sources import read
from isoflop.store import Study

PUBLISHED, BUDGET = "chinchilla/besiroglu2024", 5.76e23  # FLOP; what Gopher and Chinchilla cost
FORMS = ("chinchilla", "kaplan-joint", "generalised")
DRAWS = 1000
SHARES = (0.5, 0.7)  # of the runs, that a split of the backtest sees


@dataclass(frozen=True)
class PreregisteredForecast:
    """What one form said of the held-out run, before it was trained."""

    form: str
    value: float
    low: float
    high: float
    backtest: float
    growth: float  # of its error, per factor e beyond the runs

    def error(self, truth: float) -> float:
        """Return the relative error of the forecast."""
        return self.value / truth - 1

    def holds(self, truth: float) -> bool:
        """Return whether the interval holds what was measured."""
        return self.low <= truth <= self.high


@dataclass(frozen=True, eq=False)
class PretrainingStudy(Displayed):
    """A study at `path`: its runs, the forms tested, each form's forecast, and the truth.

    The first of `forecasts` is of the form that the backtest chose; `fits` are by form. `target`
    is the run that was held out and `truth` its loss; `frontier` holds what laws of C alone say
    of it. `plan` is of a published law for a budget of the field.
    """

    path: Path
    runs: Runs
    test: Backtest
    fits: Mapping[str, Fit[Any]]
    forecasts: tuple[PreregisteredForecast, ...]
    target: PointSize
    truth: float
    frontier: Mapping[str, Forecast | RefusedByData]
    plan: Plan

    @property
    def chosen(self) -> Fit[Any]:
        """The fit of the form that the backtest chose."""
        return self.fits[self.forecasts[0].form]


def pretraining(folder: str = "demo", *, preset: str = "demo", seed: int = 0) -> PretrainingStudy:
    """Train a sweep, forecast a held-out run of ten times its compute, train it, and compare.

    The form of the law is chosen by a backtest inside the sweep. Killed anywhere, the same call
    resumes. Raises UnknownName for a preset that there is not, EnvironmentFailure if a trial fails.
    """
    if preset not in sweep.PRESETS:
        raise UnknownName("preset", preset, sweep.PRESETS)
    chosen = sweep.PRESETS[preset](seed)
    study = Study.create(folder, {"made by": "isoflop demo"})
    runs = _train(study, chosen.sweep, "sweep")
    target = chosen.held_out.sizes(chosen.held_out.shapes[0])[-1]
    test, fits = _fits(runs)
    forecasts = _forecasts(study, target, seed, test, fits)
    beyond = _train(study, chosen.held_out, "held-out run")
    return PretrainingStudy(
        path=study.path,
        runs=runs,
        test=test,
        fits=fits,
        forecasts=forecasts,
        target=target,
        truth=float(beyond["L"][-1]),
        frontier=_frontier(runs, target),
        plan=spend(constants(PUBLISHED), BUDGET),
    )


def _train(study: Study, experiment: Pretrain, title: str) -> Runs:
    """Return the runs of an experiment, trained now as far as they are not there yet."""
    trials = experiment.trials()
    with shown(title) as watch:
        ended = run(trials, study, watch=watch)
    if ended.failed:
        first = ended.failed[0]
        raise EnvironmentFailure(
            f"{len(ended.failed)} of {len(trials)} trials failed; {first.trial.name} said: "
            f"{first.message.strip()[-400:]}; run the same command to try again"
        )
    runs = read(study.path)
    sizes = [size.N for shape in experiment.shapes for size in experiment.sizes(shape)]
    seeds = [str(seed) for seed in experiment.seeds]
    return runs[np.isin(runs["N"], sizes) & np.isin(runs.labels["seed"], seeds)]


def _candidates() -> tuple[Candidate, ...]:
    return tuple(Candidate(form(law).key, fix) for law in FORMS for fix in ({}, {"E": 0.0}))


def _fits(runs: Runs) -> tuple[Backtest, dict[str, Fit[Any]]]:
    """Return the backtest of every form inside the sweep, and every form fitted to all of it."""
    cuts = np.quantile(runs["C"], SHARES, method="lower")
    test = backtest(_candidates(), runs, cuts=cuts.tolist())
    fits = {c.name: fit(c.law, runs, fix=c.fix, draws=DRAWS) for c in ranked(test)}
    return test, fits


def ranked(test: Backtest) -> list[Candidate]:
    """Return the forms by their error, to a hundredth of a per cent; of equals the simpler."""
    return sorted(test.candidates, key=lambda c: (round(test.rms(c), 4), -len(c.fix)))


def growth(test: Backtest, candidate: Candidate) -> float:
    """Return how a form's error grows per factor e beyond the runs, their noise taken off."""
    return calibration.growth([calibration.said(errors) for errors in test.of(candidate)])


def _forecasts(
    study: Study, target: PointSize, seed: int, test: Backtest, fits: dict[str, Fit[Any]]
) -> tuple[PreregisteredForecast, ...]:
    """Return what each form says of the target, the chosen one first; refused fits say nothing.

    It is written into the study before the target is trained, and read from there ever after: a
    forecast that could change once the truth is known would be none.
    """
    kind, name = "forecast", f"N = {target.N}, D = {target.D}, seed {seed}"
    documents = {d.name: d for d in study.documents(kind)}
    if name not in documents:
        rows: list[list[str | float | None]] = []
        sound = [c for c in ranked(test) if fits[c.name].status != "refused"]
        for c in sound or ranked(test):  # without a sound one the forecast says why
            grows = growth(test, c)
            outcome = forecast(fits[c.name], growth=grows, N=target.N, D=target.D)
            rows.append([c.name, outcome.value, outcome.low, outcome.high, test.rms(c), grows])
        study.put(kind, name, {"at": target._asdict(), "forms": rows})
    body: Any = study.get(kind, name).body
    return tuple(PreregisteredForecast(*row) for row in body["forms"])


def _frontier(runs: Runs, target: PointSize) -> dict[str, Forecast | RefusedByData]:
    """Return what L(C) through the best run of each budget says, with and without a floor."""
    budgets = np.round(np.log(runs["C"]) / np.log(1.1))
    best = [
        np.flatnonzero(budgets == b)[runs["L"][budgets == b].argmin()] for b in np.unique(budgets)
    ]
    edge = runs[np.array(best)]
    forecasts: dict[str, Forecast | RefusedByData] = {}
    for name, fix in (("L(C), E free", {}), ("L(C), E = 0", {"E": 0.0})):
        try:
            forecasts[name] = forecast(fit("power", edge, over="C", fix=fix), C=target.C)
        except RefusedByData as reason:
            forecasts[name] = reason
    return forecasts
