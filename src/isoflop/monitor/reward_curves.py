"""Reward curves recipe by recipe: how far to trust them, which form forecasts best, and where to.

`fit_reward_curves` fits, `compare_reward_curves` sets recipes side by side, `forecast_recipes`
forecasts the end of runs from their first part and says how far off that was.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isoflop.assess.extrapolation.comparison import Comparison
from isoflop.assess.reward.curve import RewardCurve, by_window, choose
from isoflop.assess.reward.logs import RewardLogs
from isoflop.assess.reward.recipes import Pair, compare_recipes
from isoflop.errors import CannotFit, Note, Notes, RefusedByData, UsageError
from isoflop.experiments.rl import RLRecipe
from isoflop.experiments.rl.study import doubts
from isoflop.fitting import Fit, fit
from isoflop.fitting.grid_profile import grid_profile
from isoflop.forecasting import Forecast
from isoflop.law import Binding, Law
from isoflop.laws import form
from isoflop.monitor.outlook import outlook
from isoflop.options import IntervalOptions
from isoflop.report.display import Displayed
from isoflop.runs import Runs

PAPER_A = (0.45, 0.8, 0.005)  # the grid of ScaleRL, appendix A.5: low, high, step
PAPER_C = (100.0, 40_000.0, 100)  # GPU-hours: low, high, count
HALF = 0.5  # share of the compute that a recipe is forecast from
LAST = 3  # looks whose mean is what came: one look scatters by more than a forecast should miss


@dataclass(frozen=True, eq=False)
class GridFit:
    """The sigmoid at the best node of ScaleRL's grid, and which of its ends it stands at."""

    law: Law
    edges: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class RecipeCurve(Displayed):
    """One recipe: its curve, the forms by held-out error, a forecast, and early evaluations.

    `comparison` and `forecast` may be the reason why there is none; `forecast` is None where none
    was asked for. `windows` holds the law by where the fit begins.
    """

    curve: RewardCurve
    comparison: Comparison | RefusedByData
    forecast: Forecast | RefusedByData | None
    windows: tuple[tuple[float, Law], ...]
    grid: GridFit | None


@dataclass(frozen=True, eq=False)
class RewardCurves(Displayed):
    """The curves of every recipe, with intervals at `level`."""

    logs: RewardLogs
    recipes: Mapping[str, RecipeCurve]
    level: float

    @property
    def is_refused(self) -> bool:
        """Whether no recipe has a curve that can be trusted."""
        return all(r.curve.fit.status == "refused" for r in self.recipes.values())

    def with_paper_grid(self) -> RewardCurves:
        """Return the same with fits by the grid of ScaleRL, appendix A.5.

        Raises UsageError for a recipe whose R_0 is not known.
        """
        recipes = {
            name: replace(recipe, grid=_paper(self.logs, name, recipe.curve.after))
            for name, recipe in self.recipes.items()
        }
        return replace(self, recipes=recipes)


@dataclass(frozen=True, eq=False)
class RecipeComparison(Displayed):
    """Recipes side by side, each pair of them compared, with intervals at `level`."""

    logs: RewardLogs
    curves: Mapping[str, RewardCurve]
    pairs: tuple[Pair, ...]
    level: float
    notes: Notes = ()


@dataclass(frozen=True)
class RecipeForecast(Displayed):
    """What was forecast of one recipe from a part of its compute, and what was measured."""

    recipe: str
    form: str
    forecast: Forecast
    truth: float
    fit: Fit[Any]  # of that form, to that part

    @property
    def off(self) -> float:
        """How far the forecast was above what was measured [reward]."""
        return self.forecast.value - self.truth

    @property
    def inside(self) -> bool:
        """Whether the interval holds what was measured."""
        low, high = self.forecast.low, self.forecast.high
        return low is not None and high is not None and low <= self.truth <= high


def fit_reward_curves(
    logs: RewardLogs,
    *,
    to: float | None = None,
    after: float = 0.0,
    draws: int = 400,
    level: float = 0.9,
    seed: int = 0,
) -> RewardCurves:
    """Return the curve of every recipe, the forms that forecast it best, and its reward at `to`.

    Evaluations before `after` are left out.

    Raises CannotFit for too few evaluations.
    """
    curves = logs.curves(after=after, draws=draws, level=level, seed=seed)
    recipes = {}
    for name, curve in curves.items():
        runs, start = logs.by_recipe[name], logs.starts[name]
        comparison = _compared(runs, logs.over, start, after, level, seed)
        options = {"after": after, "interval": IntervalOptions(draws=draws, level=level, seed=seed)}
        recipes[name] = RecipeCurve(
            curve,
            comparison,
            None if to is None else _forecast(comparison, runs, logs.over, to, **options),
            by_window(runs, logs.over, start, after),
            None,
        )
    return RewardCurves(logs, recipes, level)


def compare_reward_curves(
    logs: RewardLogs,
    *,
    recipes: Mapping[str, RLRecipe] | None = None,
    after: float = 0.0,
    draws: int = 400,
    level: float = 0.9,
    seed: int = 0,
) -> RecipeComparison:
    """Return recipes side by side: ceilings, efficiency, and where curves cross.

    `recipes` are what was trained, where that is known: two that are one and the same are noted.

    Raises UsageError where there is one recipe, and what `reward_curve` raises.
    """
    if len(logs.by_recipe) < 2:
        raise UsageError(
            f"there is one recipe, {next(iter(logs.by_recipe))!r}; label runs of several in a "
            "column family, or import them as RECIPE=LOG"
        )
    curves = logs.curves(after=after, draws=draws, level=level, seed=seed)
    pairs = tuple(
        compare_recipes(a, b, logs.by_recipe, logs.starts)
        for a, b in itertools.combinations(curves.values(), 2)
    )
    named = {name: r for name, r in (recipes or {}).items() if name in logs.by_recipe}
    notes = tuple(Note("doubt", "recipe", text) for text in doubts(named))
    return RecipeComparison(logs, curves, pairs, level, notes)


def forecast_recipe(
    logs: RewardLogs, name: str, *, part: float = HALF, level: float = 0.9, seed: int = 0
) -> RecipeForecast:
    """Return the end of a recipe forecast from the first `part` of its compute, and the truth.

    Raises RefusedByData where that part supports no forecast.
    """
    runs, start, over = logs.by_recipe[name], logs.starts[name], logs.over
    end, truth = _end(runs, over)
    train = runs.select(runs[over] <= part * end)
    chosen = choose(train, over, start=start, level=level, seed=seed)
    interval = IntervalOptions(draws=400, level=level, seed=seed)
    prediction = outlook(chosen, train, over, end, interval=interval)
    c = chosen.standings[0].candidate
    result = fit(
        c.law,
        train,
        over=c.over,
        predicts=c.predicts,
        fix=c.fix,
        objective=c.objective,
        draws=0,
        seed=seed,
    )
    return RecipeForecast(name, c.law, prediction, truth, result)


def _end(runs: Runs, over: str) -> tuple[float, float]:
    """Return the mean over runs of the compute and the reward of the last looks of each."""
    compute, reward = [], []
    for name in sorted(set(runs.labels["run"].tolist())):
        mine = runs.select(runs.labels["run"] == name)
        last = np.argsort(mine[over])[-LAST:]
        compute.append(mine[over][last].mean())
        reward.append(mine["R"][last].mean())
    return float(np.mean(compute)), float(np.mean(reward))


def _compared(
    runs: Runs, over: str, start: float | None, after: float, level: float, seed: int
) -> Comparison | RefusedByData:
    try:
        return choose(runs, over, start=start, after=after, level=level, seed=seed)
    except RefusedByData as reason:
        return reason


def _forecast(
    comparison: Comparison | RefusedByData, runs: Runs, over: str, to: float, **options: Any
) -> Forecast | RefusedByData:
    """Return the forecast of the form that forecast best, with the band of its backtest."""
    if isinstance(comparison, RefusedByData):
        return CannotFit(f"no forecast without a backtest: {comparison}")
    try:
        return outlook(comparison, runs, over, to, **options)
    except RefusedByData as reason:
        return reason


def _paper(logs: RewardLogs, name: str, after: float) -> GridFit:
    start = logs.starts[name]
    if start is None:
        raise UsageError(f"{name}: the paper takes R_0 as given; say it with --start")
    runs = logs.by_recipe[name]
    train = runs.select(runs[logs.over] >= after)
    furthest = 1.0 if logs.over == "hours" else float(train[logs.over].max()) / PAPER_C[1]
    profile = grid_profile(
        Binding(form("sigmoid"), logs.over),
        train,
        {
            "A": np.arange(PAPER_A[0], PAPER_A[1] + 1e-9, PAPER_A[2]),
            "C_mid": np.linspace(*PAPER_C) * furthest,
        },
        {"B": 1.0},
        {"R_0": start},
    )
    return GridFit(profile.law, dict(profile.edges))
