"""Reward curves of each recipe, how far they can be trusted, and a forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isoflop.assess.reward.curve import RewardCurve
from isoflop.assess.reward.logs import RewardLogs
from isoflop.errors import RefusedByData, texts
from isoflop.forecasting import Forecast
from isoflop.monitor.reward_curves import RecipeCurve, RewardCurves
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate, estimated
from isoflop.quantities import quantity, show
from isoflop.report import Block, Cell, Heading, Paragraph, Remark, Report, Table, note_blocks

FEW = 3  # recipes that the first sentence speaks of


@shows(RewardCurves)
def page_of(result: RewardCurves) -> Report:
    """Return the curves of recipes: what their ceilings are known to be, and what is forecast."""
    from isoflop.pages.rl_figures import curves as drawn
    from isoflop.pages.rl_figures import efficiency

    logs, recipes = result.logs, result.recipes
    curves = [r.curve for r in recipes.values()]
    blocks: list[Block] = [
        *start_blocks(logs),
        *(doubt for c in curves for doubt in trust(c)),
        formula(logs.over),
        parameters(curves, result.level),
        *grid_table(recipes, logs.over),
        choices(recipes),
        *forecasts(result),
        window_table(recipes, logs.over),
        Heading("Figures"),
        drawn(curves),
        efficiency(curves),
    ]
    count = sum(map(len, logs.by_recipe.values()))
    return Report(
        f"Reward curves through {count:,} evaluations",
        tuple(blocks),
        data(result),
        result.is_refused,
        answered(_answer(result), blocks),
    )


def data(result: RewardCurves) -> dict[str, Any]:
    """Return the curves of recipes as JSON types."""
    logs = result.logs
    grids = {name: r.grid for name, r in result.recipes.items() if r.grid is not None}
    return {
        "over": logs.over,
        "unit": quantity(logs.over).unit,
        "level": result.level,
        "recipes": {name: _as_data(recipe) for name, recipe in result.recipes.items()},
        "paper": {name: dict(grid.law.values) for name, grid in grids.items()},
        "notes": texts(logs.notes),
    }


def start_blocks(logs: RewardLogs) -> list[Remark]:
    """Return the notes of evaluations, and what R_0 of each recipe rests on."""
    return note_blocks((*logs.notes, *logs.start_notes))


def _answer(result: RewardCurves) -> str:
    parts = [ceiling(r.curve) for r in list(result.recipes.values())[:FEW]]
    for name, recipe in list(result.recipes.items())[:FEW]:
        f = recipe.forecast
        if isinstance(f, Forecast):
            at = f"{show(f.at[result.logs.over])} {quantity(result.logs.over).unit}"
            parts.append(f"{name} is forecast to reach R {estimated(f)} at {at}")
    return "; ".join(parts)


def ceiling(curve: RewardCurve) -> str:
    """Return what is known of the ceiling of a recipe, as a part of a sentence."""
    if curve.known == "unknown":
        return f"{curve.recipe} has no ceiling that is known yet"
    interval = curve.intervals.get("A")
    ends = (None, None) if interval is None else (interval.low, interval.high)
    return f"{curve.recipe} has its ceiling at R {estimate(float(curve.law.A), *ends)}"


def _as_data(recipe: RecipeCurve) -> dict[str, Any]:
    curve, comparison, f = recipe.curve, recipe.comparison, recipe.forecast
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
        "forms": str(comparison)
        if isinstance(comparison, RefusedByData)
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
        "forecast": {
            "at": dict(f.at),
            "value": f.value,
            "interval": [f.low, f.high],
            "beyond": f.beyond,
        }
        if isinstance(f, Forecast)
        else None
        if f is None
        else str(f),
        "windows": [[cut, {k: float(v) for k, v in w.values.items()}] for cut, w in recipe.windows],
        "status": curve.fit.status,
        "notes": texts(curve.fit.notes),
    }


def trust(curve: RewardCurve) -> list[Block]:
    """Return what the evaluations of a recipe can say of its ceiling, and what speaks against."""
    kind: Any = {"known": "good", "roughly": "info", "unknown": "doubt"}[curve.known]
    one = [] if len(curve.by_run) > 1 else [_one_run(curve)]
    doubts = [n for n in curve.fit.notes if n.kind != "info"]
    others = [n for n in doubts if not (n.topic == "bound" and n.symbol == "A")]
    return [
        Remark(f"{curve.recipe}: {curve.says}", kind),
        *note_blocks(n.of(curve.recipe) for n in others),
        *map(Remark, one),
    ]


def _one_run(curve: RewardCurve) -> str:
    return (
        f"{curve.recipe} is one run: intervals hold the noise of its evaluations, not what another "
        "run of it would do; three runs of ScaleRL differed by up to .015 in A"
    )


def formula(over: str) -> Paragraph:
    """Return the law in words: what x and the parameters of the table are."""
    x = quantity(over)
    return Paragraph(
        f"R = R_0 + (A - R_0) / (1 + (C_mid/x)^B): x is {over}, {x.meaning} [{x.unit}]; A is the "
        "ceiling, C_mid the x of half the gain, B how steeply it rises, R_0 the reward at x = 0."
    )


def parameters(curves: Sequence[RewardCurve], level: float) -> Table:
    """Return the parameters of every recipe with their profile-likelihood intervals."""
    rows: list[tuple[Cell, ...]] = []
    for c in curves:
        for name, p in type(c.law).params.items():
            interval = c.intervals.get(name)
            ends = (None, None) if interval is None else (interval.low, interval.high)
            unknown = name == "A" and c.known == "unknown"
            fixed = name in c.fit.fixed
            state = "given" if fixed else "not known" if unknown else "fitted"
            unit = quantity(c.over).unit if p.unit == "x" else p.unit
            spread = None if fixed else c.spread(name)
            rows.append((c.recipe, name, float(getattr(c.law, name)), *ends, spread, unit, state))
        rows.append((c.recipe, "noise", c.noise, None, None, None, "reward", "of an evaluation"))
    caption = (
        f"low and high are profile likelihoods at {level:.0%}; between runs: the standard "
        "deviation of fits to one run each"
    )
    columns = ("recipe", "parameter", "value", "low", "high", "between runs", "unit", "is")
    return Table(columns, tuple(rows), caption)


def choices(recipes: Mapping[str, RecipeCurve]) -> Table:
    """Return the candidate laws with their held-out errors, by recipe."""
    rows: list[tuple[Cell, ...]] = []
    for name, recipe in recipes.items():
        comparison = recipe.comparison
        if isinstance(comparison, RefusedByData):
            rows.append((name, "none could be held out", None, None, "", str(comparison)))
            continue
        for i, s in enumerate(comparison.standings):
            verdict = "best" if i == 0 else "tied with it" if s.tied else "worse"
            rows.append(
                (name, s.candidate.law, 100 * s.rms, 100 * s.bias, f"{s.growth:.3g}", verdict)
            )
    return Table(
        ("recipe", "form", "rms error [%]", "bias [%]", "growth", "is"),
        tuple(rows),
        "Fitted to early evaluations and held against later ones. Bias is of logs: above zero the "
        "form promised too much. Growth is the error per factor e of compute beyond the runs.",
    )


def forecasts(result: RewardCurves) -> list[Block]:
    """Return the reward that each recipe is forecast to reach."""
    over = result.logs.over
    blocks: list[Block] = []
    rows: list[tuple[Cell, ...]] = []
    for name, recipe in result.recipes.items():
        f = recipe.forecast
        if isinstance(f, RefusedByData):
            blocks.append(Remark(f"{name}: {f}", "doubt"))
        elif f is not None:
            rows.append((name, f.at[over], f.value, f.low, f.high, f.beyond))
    if rows:
        blocks.append(
            Table(
                ("recipe", f"at [{quantity(over).unit}]", "R", "low", "high", "times beyond"),
                tuple(rows),
                "By the form that forecast held-out evaluations best; intervals, at "
                f"{result.level:.0%}, of its parameters, noise of an evaluation, the error that "
                "the backtest showed, drift where evaluations are few, and what forms say that did "
                "nearly as well.",
            )
        )
    return blocks


def window_table(recipes: Mapping[str, RecipeCurve], over: str) -> Table:
    """Return the parameters by where the fit begins."""
    windows: dict[str, list[tuple[float, Any]]] = {n: [*r.windows] for n, r in recipes.items()}
    rows: list[tuple[Cell, ...]] = [
        (name, cut, float(law.A), float(law.C_mid), float(law.B))
        for name, cuts in windows.items()
        for cut, law in cuts
    ]
    spread = [np.ptp([law.B for _, law in cuts]) for cuts in windows.values() if cuts]
    return Table(
        ("recipe", f"evaluations from [{quantity(over).unit}]", "A", "C_mid", "B"),
        tuple(rows),
        f"What the early evaluations change: B moves by up to {max(spread, default=0.0):.2f}. "
        "ScaleRL leaves out 1,500 GPU-hours, about one epoch, and its B moves by .14.",
    )


def grid_table(recipes: Mapping[str, RecipeCurve], over: str) -> list[Table]:
    """Return the fits by the grid of the ScaleRL paper, where it was asked for."""
    rows: list[tuple[Cell, ...]] = []
    for name, recipe in recipes.items():
        if recipe.grid is not None:
            law: Any = recipe.grid.law
            edges = ", ".join(recipe.grid.edges) or "none"
            rows.append((name, float(law.A), float(law.C_mid), float(law.B), edges))
    if not rows:
        return []
    scaled = "" if over == "hours" else ", scaled so that its end is the last evaluation"
    columns = ("recipe", "A", "C_mid", "B", "at the rim of the grid")
    caption = (
        "By the paper's way: A on .450 to .800 by .005, C_mid on 100 values from 100 to 40,000 "
        f"GPU-hours{scaled}, B by least squares at each. A best node at the rim is no optimum."
    )
    return [Table(columns, tuple(rows), caption)]


def finite(value: float) -> float | None:
    """Return a number that JSON can hold, None for an end that is open."""
    return float(value) if np.isfinite(value) else None
