"""rl fit: reward curves of each recipe, how far they can be trusted, and a forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.inputs import IntervalOptions, Source, TableOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.rl.rl_options import (
    CurveOptions,
    RLInput,
    fitted,
    read,
)
from isoflop.errors import texts
from isoflop.pages.rl_fit import (
    choices,
    finite,
    forecasts,
    formula,
    grid_table,
    parameters,
    trust,
    window_table,
)
from isoflop.quantities import quantity
from isoflop.report import Block, Heading, Report

if TYPE_CHECKING:
    from isoflop.assess import Comparison
    from isoflop.assess.reward.curve import RewardCurve
    from isoflop.forecasting import Forecast

PAPER_A = (0.45, 0.8, 0.005)  # the grid of ScaleRL, appendix A.5: low, high, step
PAPER_C = (100.0, 40_000.0, 100)  # GPU-hours: low, high, count


@command("rl fit", example="isoflop rl fit sample:rl --to 50k --after 1500")
def rl_fit(
    runs: Source,
    *,
    to: Annotated[float | None, Option("forecast the reward at this compute")] = None,
    rewards: CurveOptions = CurveOptions(),
    paper: Annotated[bool, Option("also fit by the grid of ScaleRL, appendix A.5")] = False,
    interval: IntervalOptions = IntervalOptions(draws=400),
    table_options: TableOptions = TableOptions(),
) -> Report:
    """Fit reward curves of reinforcement learning, recipe by recipe.

    Says whether the evaluations reach far enough to see a ceiling, gives the sigmoid's A, B and
    C_mid by profile likelihood, which of four forms forecast held-out evaluations best, and what
    the early evaluations change. The label family tells recipes apart, run their runs.
    """
    logs = read(runs, table_options, rewards)
    curves = fitted(logs, rewards.after, interval)
    chosen = {
        name: _choice(logs, name, rewards.after, interval.level, interval.seed) for name in curves
    }
    outcomes = {
        name: _forecast(
            logs=logs,
            curve=curves[name],
            comparison=chosen[name],
            to=to,
            after=rewards.after,
            draws=interval.draws,
            level=interval.level,
            seed=interval.seed,
        )
        for name in curves
    }
    return _report(
        logs=logs,
        curves=curves,
        chosen=chosen,
        outcomes=outcomes,
        paper=paper,
        after=rewards.after,
        level=interval.level,
    )


def _report(
    logs: RLInput,
    curves: dict[str, RewardCurve],
    chosen: dict[str, Comparison | str],
    outcomes: dict[str, Forecast | str | None],
    paper: bool,
    after: float | None,
    level: float,
) -> Report:
    from isoflop.pages.rl_figures import curves as drawn
    from isoflop.pages.rl_figures import efficiency

    windows = {n: _windows(logs, n, after) for n in curves}
    grids = {n: _paper(logs, n, after) for n in curves} if paper else {}
    blocks: list[Block] = [
        *logs.named,
        *(doubt for c in curves.values() for doubt in trust(c)),
        formula(logs.over),
        parameters(list(curves.values()), level),
        *([grid_table(grids, logs.over)] if grids else []),
        choices(chosen),
        *forecasts(outcomes, logs.over, level),
        window_table(windows, logs.over),
        Heading("Figures"),
        drawn(list(curves.values())),
        efficiency(list(curves.values())),
    ]
    count = sum(map(len, logs.by_recipe.values()))
    data = {
        "over": logs.over,
        "unit": quantity(logs.over).unit,
        "level": level,
        "recipes": {
            n: _as_data(logs, c, chosen[n], outcomes[n], windows[n]) for n, c in curves.items()
        },
        "paper": {n: dict(g[0].values) for n, g in grids.items()},
        "notes": texts(logs.notes),
    }
    refused = all(c.fit.status == "refused" for c in curves.values())
    return Report(f"Reward curves through {count:,} evaluations", tuple(blocks), data, refused)


def _choice(
    logs: RLInput, name: str, after: float | None, level: float, seed: int
) -> Comparison | str:
    """Return four forms ranked by held-out error, or why they cannot be."""
    from isoflop.assess.reward.curve import choose
    from isoflop.errors import RefusedByData

    try:
        return choose(
            logs.by_recipe[name],
            logs.over,
            start=logs.starts[name],
            after=after or 0.0,
            level=level,
            seed=seed,
        )
    except RefusedByData as reason:
        return str(reason)


def _forecast(
    logs: RLInput,
    curve: RewardCurve,
    comparison: Comparison | str,
    to: float | None,
    after: float | None,
    draws: int,
    level: float,
    seed: int,
) -> Forecast | str | None:
    """Return the forecast of the form that forecast best, with the band of its backtest."""
    if to is None:
        return None
    from isoflop.errors import RefusedByData
    from isoflop.monitor import outlook

    if isinstance(comparison, str):
        return f"no forecast without a backtest: {comparison}"
    try:
        return outlook(
            comparison,
            logs.by_recipe[curve.recipe],
            logs.over,
            to,
            after=after or 0.0,
            draws=draws,
            level=level,
            seed=seed,
        )
    except RefusedByData as reason:
        return str(reason)


def _windows(logs: RLInput, name: str, after: float | None) -> list[tuple[float, Any]]:
    from isoflop.assess.reward.curve import by_window

    return list(by_window(logs.by_recipe[name], logs.over, logs.starts[name], after or 0.0))


def _paper(logs: RLInput, name: str, after: float | None) -> tuple[Any, dict[str, float]]:
    """Return the sigmoid at the best node of ScaleRL's grid, and which of its ends it hit."""
    from isoflop.errors import UsageError
    from isoflop.fitting.grid_profile import grid_profile
    from isoflop.law import Binding
    from isoflop.laws import form

    start = logs.starts[name]
    if start is None:
        raise UsageError(f"{name}: the paper takes R_0 as given; say it with --start")
    runs = logs.by_recipe[name]
    train = runs.select(runs[logs.over] >= (after or 0.0))
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
    return profile.law, dict(profile.edges)


def _as_data(
    logs: RLInput,
    curve: RewardCurve,
    comparison: Comparison | str,
    outcome: Forecast | str | None,
    windows: list[tuple[float, Any]],
) -> dict[str, Any]:
    unknown = curve.known == "unknown"
    return {
        "parameters": {k: float(v) for k, v in curve.law.values.items()},
        "intervals": {k: [finite(e) for e in v] for k, v in curve.intervals.items()},
        "given": list(curve.fit.fixed),
        "ceiling": None if unknown else float(curve.law.A),
        "ceiling_is": curve.known,
        "reach": curve.reach,
        "says": curve.says,
        "noise": curve.noise,
        "evaluations": len(curve.fit.runs),
        "by_run": {n: {k: float(v) for k, v in w.values.items()} for n, w in curve.by_run.items()},
        "forms": comparison
        if isinstance(comparison, str)
        else [
            {
                "form": s.candidate.law,
                "rms": s.rms,
                "bias": s.bias,
                "growth": s.growth,
                "tied": s.tied,
            }
            for s in comparison.standings
        ],
        "forecast": outcome
        if isinstance(outcome, str) or outcome is None
        else {
            "at": dict(outcome.at),
            "value": outcome.value,
            "interval": [outcome.low, outcome.high],
            "beyond": outcome.beyond,
        },
        "windows": [[cut, {k: float(v) for k, v in w.values.items()}] for cut, w in windows],
        "status": curve.fit.status,
        "notes": texts(curve.fit.notes),
    }
