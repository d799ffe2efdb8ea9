"""Reward curves of each recipe, how far they can be trusted, and a forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.quantities import quantity
from isoflop.report import Block, Cell, Paragraph, Remark, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess import Comparison
    from isoflop.assess.reward.curve import RewardCurve
    from isoflop.forecasting import Forecast


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


def parameters(curves: list[RewardCurve], level: float) -> Table:
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


def choices(chosen: dict[str, Comparison | str]) -> Table:
    """Return the candidate laws with their held-out errors, by recipe."""
    rows: list[tuple[Cell, ...]] = []
    for name, comparison in chosen.items():
        if isinstance(comparison, str):
            rows.append((name, "none could be held out", None, None, "", comparison))
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


def forecasts(outcomes: dict[str, Forecast | str | None], over: str, level: float) -> list[Block]:
    """Return the reward that each recipe is forecast to reach."""
    blocks: list[Block] = []
    rows: list[tuple[Cell, ...]] = []
    for name, outcome in outcomes.items():
        if isinstance(outcome, str):
            blocks.append(Remark(f"{name}: {outcome}", "doubt"))
        elif outcome is not None:
            rows.append(
                (name, outcome.at[over], outcome.value, outcome.low, outcome.high, outcome.beyond)
            )
    if rows:
        blocks.append(
            Table(
                ("recipe", f"at [{quantity(over).unit}]", "R", "low", "high", "times beyond"),
                tuple(rows),
                f"By the form that forecast held-out evaluations best; {level:.0%} intervals of "
                "its parameters, noise of an evaluation, the error that the backtest showed, drift "
                "where evaluations are few, and what forms say that did nearly as well.",
            )
        )
    return blocks


def window_table(windows: dict[str, list[tuple[float, Any]]], over: str) -> Table:
    """Return the parameters by where the fit begins."""
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


def grid_table(grids: dict[str, tuple[Any, dict[str, float]]], over: str) -> Table:
    """Return the fits by the grid of the ScaleRL paper."""
    rows: list[tuple[Cell, ...]] = [
        (name, float(law.A), float(law.C_mid), float(law.B), ", ".join(edges) or "none")
        for name, (law, edges) in grids.items()
    ]
    scaled = "" if over == "hours" else ", scaled so that its end is the last evaluation"
    return Table(
        ("recipe", "A", "C_mid", "B", "at the rim of the grid"),
        tuple(rows),
        "By the paper's way: A on .450 to .800 by .005, C_mid on 100 values from 100 to 40,000 "
        f"GPU-hours{scaled}, B by least squares at each. A best node at the rim is no optimum.",
    )


def finite(value: float) -> float | None:
    """Return a number that JSON can hold, None for an end that is open."""
    return float(value) if np.isfinite(value) else None
