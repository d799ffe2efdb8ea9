"""rl fit: reward curves of each recipe, how far they can be trusted, and a forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.inputs import Columns, Derive, Reading, Source, Where
from isoflop.commands.registry import Option, command
from isoflop.commands.rl.reading import (
    After,
    Draws,
    Level,
    Over,
    Range,
    Read,
    Seed,
    Start,
    fitted,
    read,
)
from isoflop.quantities import quantity
from isoflop.report import Block, Cell, Heading, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.assess import Comparison
    from isoflop.assess.reward_curve import RewardCurve
    from isoflop.forecasting import Forecast

PAPER_A = (0.45, 0.8, 0.005)  # the grid of ScaleRL, appendix A.5: low, high, step
PAPER_C = (100.0, 40_000.0, 100)  # GPU-hours: low, high, count


@command("rl fit", example="isoflop rl fit sample:rl --to 50k --after 1500")
def rl_fit(
    runs: Source,
    *,
    to: Annotated[float | None, Option("forecast the reward at this compute")] = None,
    over: Over = None,
    start: Start = None,
    after: After = None,
    range_: Range = None,
    paper: Annotated[bool, Option("also fit by the grid of ScaleRL, appendix A.5")] = False,
    draws: Draws = 400,
    level: Level = 0.9,
    seed: Seed = 0,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
) -> Report:
    """Fit reward curves of reinforcement learning, recipe by recipe.

    Says whether the evaluations reach far enough to see a ceiling, gives the sigmoid's A, B and
    C_mid by profile likelihood, which of four forms forecast held-out evaluations best, and what
    the early evaluations change. The label family tells recipes apart, run their runs.
    """
    found = read(runs, Reading(where, columns, derive), over=over, start=start, range_=range_)
    curves = fitted(found, after=after, draws=draws, level=level, seed=seed)
    chosen = {name: _choice(found, name, after, level, seed) for name in curves}
    said = {
        name: _forecast(found, curves[name], chosen[name], to, after, draws, level, seed)
        for name in curves
    }
    return _report(found, curves, chosen, said, paper, after, level)


def _report(
    found: Read, curves: dict[str, RewardCurve], chosen: dict[str, Comparison | str],
    said: dict[str, Forecast | str | None], paper: bool, after: float | None, level: float,
) -> Report:  # fmt: skip
    from isoflop.commands.rl.pictures import curves as drawn
    from isoflop.commands.rl.pictures import efficiency

    windows = {n: _windows(found, n, after) for n in curves}
    grids = {n: _paper(found, n, after) for n in curves} if paper else {}
    blocks: list[Block] = [
        *found.named,
        *(doubt for c in curves.values() for doubt in trust(c)),
        formula(found.over),
        parameters(list(curves.values()), level),
        *([_grid_table(grids, found.over)] if grids else []),
        _choices(chosen),
        *_forecasts(said, found.over, level),
        _window_table(windows, found.over),
        Heading("Figures"),
        drawn(list(curves.values())),
        efficiency(list(curves.values())),
    ]
    count = sum(map(len, found.by_recipe.values()))
    data = {
        "over": found.over, "unit": quantity(found.over).unit, "level": level,
        "recipes": {
            n: _as_data(found, c, chosen[n], said[n], windows[n]) for n, c in curves.items()
        },
        "paper": {n: dict(g[0].values) for n, g in grids.items()},
        "notes": list(found.notes),
    }  # fmt: skip
    refused = all(c.fit.status == "refused" for c in curves.values())
    return Report(f"Reward curves through {count:,} evaluations", tuple(blocks), data, refused)


def trust(curve: RewardCurve) -> list[Block]:
    """Return what the evaluations of a recipe can say of its ceiling, and what speaks against."""
    kind: Any = {"known": "good", "roughly": "info", "unknown": "doubt"}[curve.known]
    one = [] if len(curve.by_run) > 1 else [_one_run(curve)]
    doubts = () if curve.fit.status == "ok" else curve.fit.notes
    others = [t for t in doubts if not t.startswith("A touches") and t not in curve.fit.runs.notes]
    return [
        Note(f"{curve.recipe}: {curve.says}", kind),
        *(Note(f"{curve.recipe}: {text}", "doubt") for text in others),
        *map(Note, one),
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


def parameters(found: list[RewardCurve], level: float) -> Table:
    """Return the parameters of every recipe with their profile-likelihood intervals."""
    rows: list[tuple[Cell, ...]] = []
    for c in found:
        for name, p in type(c.law).params.items():
            interval = c.intervals.get(name)
            ends = (None, None) if interval is None else (interval.low, interval.high)
            unknown = name == "A" and c.known == "unknown"
            given = name in c.fit.fixed
            state = "given" if given else "not known" if unknown else "fitted"
            unit = quantity(c.over).unit if p.unit == "x" else p.unit
            spread = None if given else c.spread(name)
            rows.append((c.recipe, name, float(getattr(c.law, name)), *ends, spread, unit, state))
        rows.append((c.recipe, "noise", c.noise, None, None, None, "reward", "of an evaluation"))
    caption = (
        f"low and high are profile likelihoods at {level:.0%}; between runs: the standard "
        "deviation of fits to one run each"
    )
    columns = ("recipe", "parameter", "value", "low", "high", "between runs", "unit", "is")
    return Table(columns, tuple(rows), caption)


def _choice(
    found: Read, name: str, after: float | None, level: float, seed: int
) -> Comparison | str:
    """Return four forms ranked by held-out error, or why they cannot be."""
    from isoflop.assess.reward_curve import choose
    from isoflop.errors import RefusedByData

    try:
        return choose(
            found.by_recipe[name], found.over, start=found.starts[name], after=after or 0.0,
            level=level, seed=seed,
        )  # fmt: skip
    except RefusedByData as reason:
        return str(reason)


def _choices(chosen: dict[str, Comparison | str]) -> Table:
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
        ("recipe", "form", "rms error [%]", "bias [%]", "growth", "is"), tuple(rows),
        "Fitted to early evaluations and held against later ones. Bias is of logs: above zero the "
        "form promised too much. Growth is the error per factor e of compute beyond the runs.",
    )  # fmt: skip


def _forecast(
    found: Read, curve: RewardCurve, comparison: Comparison | str, to: float | None,
    after: float | None, draws: int, level: float, seed: int,
) -> Forecast | str | None:  # fmt: skip
    """Return the forecast of the form that forecast best, with the band of its backtest."""
    if to is None:
        return None
    from isoflop.errors import RefusedByData
    from isoflop.monitor import outlook

    if isinstance(comparison, str):
        return f"no forecast without a backtest: {comparison}"
    try:
        return outlook(
            comparison, found.by_recipe[curve.recipe], found.over, to, after=after or 0.0,
            draws=draws, level=level, seed=seed,
        )  # fmt: skip
    except RefusedByData as reason:
        return str(reason)


def _forecasts(said: dict[str, Forecast | str | None], over: str, level: float) -> list[Block]:
    blocks: list[Block] = []
    rows: list[tuple[Cell, ...]] = []
    for name, made in said.items():
        if isinstance(made, str):
            blocks.append(Note(f"{name}: {made}", "doubt"))
        elif made is not None:
            rows.append((name, made.at[over], made.value, made.low, made.high, made.beyond))
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


def _windows(found: Read, name: str, after: float | None) -> list[tuple[float, Any]]:
    from isoflop.assess.reward_curve import by_window

    return list(by_window(found.by_recipe[name], found.over, found.starts[name], after or 0.0))


def _window_table(windows: dict[str, list[tuple[float, Any]]], over: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (name, cut, float(law.A), float(law.C_mid), float(law.B))
        for name, cuts in windows.items()
        for cut, law in cuts
    ]
    spread = [np.ptp([law.B for _, law in cuts]) for cuts in windows.values() if cuts]
    return Table(
        ("recipe", f"evaluations from [{quantity(over).unit}]", "A", "C_mid", "B"), tuple(rows),
        f"What the early evaluations change: B moves by up to {max(spread, default=0.0):.2f}. "
        "ScaleRL leaves out 1,500 GPU-hours, about one epoch, and its B moves by .14.",
    )  # fmt: skip


def _paper(found: Read, name: str, after: float | None) -> tuple[Any, dict[str, float]]:
    """Return the sigmoid at the best node of ScaleRL's grid, and which of its ends it hit."""
    from isoflop.errors import UsageError
    from isoflop.fitting.grid_profile import grid_profile
    from isoflop.law import Binding
    from isoflop.laws import form

    start = found.starts[name]
    if start is None:
        raise UsageError(f"{name}: the paper takes R_0 as given; say it with --start")
    runs = found.by_recipe[name]
    seen = runs.select(runs[found.over] >= (after or 0.0))
    furthest = 1.0 if found.over == "hours" else float(seen[found.over].max()) / PAPER_C[1]
    made = grid_profile(
        Binding(form("sigmoid"), found.over), seen,
        {
            "A": np.arange(PAPER_A[0], PAPER_A[1] + 1e-9, PAPER_A[2]),
            "C_mid": np.linspace(*PAPER_C) * furthest,
        },
        {"B": 1.0}, {"R_0": start},
    )  # fmt: skip
    return made.law, dict(made.edges)


def _grid_table(grids: dict[str, tuple[Any, dict[str, float]]], over: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (name, float(law.A), float(law.C_mid), float(law.B), ", ".join(edges) or "none")
        for name, (law, edges) in grids.items()
    ]
    scaled = "" if over == "hours" else ", scaled so that its end is the last evaluation"
    return Table(
        ("recipe", "A", "C_mid", "B", "at the rim of the grid"), tuple(rows),
        "By the paper's way: A on .450 to .800 by .005, C_mid on 100 values from 100 to 40,000 "
        f"GPU-hours{scaled}, B by least squares at each. A best node at the rim is no optimum.",
    )  # fmt: skip


def _as_data(
    found: Read, curve: RewardCurve, comparison: Comparison | str, made: Forecast | str | None,
    windows: list[tuple[float, Any]],
) -> dict[str, Any]:  # fmt: skip
    unknown = curve.known == "unknown"
    return {
        "parameters": {k: float(v) for k, v in curve.law.values.items()},
        "intervals": {k: [finite(e) for e in v] for k, v in curve.intervals.items()},
        "given": list(curve.fit.fixed),
        "ceiling": None if unknown else float(curve.law.A),
        "ceiling_is": curve.known, "reach": curve.reach, "says": curve.says,
        "noise": curve.noise, "evaluations": len(curve.fit.runs),
        "by_run": {n: {k: float(v) for k, v in w.values.items()} for n, w in curve.by_run.items()},
        "forms": comparison if isinstance(comparison, str) else [
            {"form": s.candidate.law, "rms": s.rms, "bias": s.bias, "growth": s.growth,
             "tied": s.tied}
            for s in comparison.standings
        ],
        "forecast": made if isinstance(made, str) or made is None else {
            "at": dict(made.at), "value": made.value, "interval": [made.low, made.high],
            "beyond": made.beyond,
        },
        "windows": [[cut, {k: float(v) for k, v in w.values.items()}] for cut, w in windows],
        "status": curve.fit.status, "notes": list(curve.fit.notes),
    }  # fmt: skip


def finite(value: float) -> float | None:
    """Return a number that JSON can hold, None for an end that is open."""
    return float(value) if np.isfinite(value) else None
