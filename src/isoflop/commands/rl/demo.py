"""rl demo: train for real, forecast the second half from the first, and say how far off it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.registry import Option, command, say
from isoflop.commands.rl.reading import Read, read
from isoflop.commands.rl.run import MADE, designed, ends
from isoflop.commands.sweep import carry_out
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    Cell,
    Figure,
    Heading,
    Interval,
    Layer,
    Line,
    Note,
    Paragraph,
    Points,
    Report,
    Table,
)

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.forecasting import Forecast
    from isoflop.runs import Runs

SEEN = 0.5  # share of the compute that a forecast is made from
LAST = 3  # looks whose mean is what came: one look scatters by more than a forecast should miss
LEVEL = 0.9


@dataclass(frozen=True)
class Said:
    """What was forecast of one recipe from its first half, and what came (`truth`)."""

    recipe: str
    form: str
    forecast: Forecast
    truth: float
    fit: Fit[Any]  # of that form, to the first half

    @property
    def off(self) -> float:
        """How far the forecast was above what came [reward]."""
        return self.forecast.value - self.truth

    @property
    def inside(self) -> bool:
        """Whether the interval holds what came."""
        low, high = self.forecast.low, self.forecast.high
        return low is not None and high is not None and low <= self.truth <= high


@command("rl demo", example="isoflop rl demo", minutes=True)
def rl_demo(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")] = "rl-demo",
    *,
    preset: Annotated[str, Option("what is trained: study, or tiny for a trial of it")] = "study",
    seed: Annotated[int, Option("of the first run of each recipe", "SEED")] = 0,
    page: Annotated[str, Option("the report with its figures", "FILE")] = "rl-demo.html",
) -> Report:
    """Train small policies, and forecast each recipe from its first half.

    Trains every recipe under several seeds, chooses the law of each by a backtest within the
    first half of its compute, forecasts the end, and says how far off that was. Then compares
    the first two recipes. Killed anywhere, the same command resumes.
    """
    from isoflop.commands.inputs import Reading
    from isoflop.experiments.engine import LocalEngine
    from isoflop.report import html
    from isoflop.sources import read as read_runs

    study = designed(preset, (), {}, {}, None, seed)
    carry_out(folder, f"rl-{preset}-{seed}", study.trials(), LocalEngine(), MADE)
    found = read(folder, Reading(), over="C", start=None, range_=None)
    names = [name for name in study.arms if name in found.by_recipe]
    said, refused = _forecasts(found, names, seed)
    blocks: list[Block] = [
        *_verdicts(said, refused),
        ends(read_runs(folder)),
        Heading("The second half, forecast from the first"),
        _table(said),
        *(_figure(found.by_recipe[s.recipe], s) for s in said),
        *_compared(found, names[:2], seed),
    ]
    report = Report("Reinforcement learning: forecast, and what came", tuple(blocks), _data(said))
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report


def _forecasts(found: Read, names: list[str], seed: int) -> tuple[tuple[Said, ...], dict[str, str]]:
    """Return a forecast of each recipe from the first half of its compute, or why there is none."""
    from isoflop.assess.reward_curve import choose
    from isoflop.errors import RefusedByData
    from isoflop.fitting import fit
    from isoflop.monitor import outlook

    said, refused = [], {}
    for name in names:
        runs, start = found.by_recipe[name], found.starts[name]
        end, truth = _end(runs)
        seen = runs.select(runs["C"] <= SEEN * end)
        try:
            chosen = choose(seen, "C", start=start, level=LEVEL, seed=seed)
            ahead = outlook(chosen, seen, "C", end, level=LEVEL, seed=seed)
            c = chosen.standings[0].candidate
            made = fit(
                c.law, seen, over=c.over, predicts=c.predicts, fix=c.fix, objective=c.objective,
                draws=0, seed=seed,
            )  # fmt: skip
        except RefusedByData as reason:
            refused[name] = str(reason)
            continue
        said.append(Said(name, c.law, ahead, truth, made))
    return tuple(said), refused


def _end(runs: Runs) -> tuple[float, float]:
    """Return the mean over runs of the compute and the reward of the last looks of each."""
    compute, reward = [], []
    for name in sorted(set(runs.labels["run"].tolist())):
        mine = runs.select(runs.labels["run"] == name)
        last = np.argsort(mine["C"])[-LAST:]
        compute.append(mine["C"][last].mean())
        reward.append(mine["R"][last].mean())
    return float(np.mean(compute)), float(np.mean(reward))


def _verdicts(said: tuple[Said, ...], refused: Mapping[str, str]) -> list[Block]:
    blocks: list[Block] = []
    for s in said:
        f = s.forecast
        text = (
            f"{s.recipe}: from the first half of its compute, {s.form} forecast a pass rate of "
            f"{f.value:.3f} ({f.low:.3f} to {f.high:.3f}) at {show(f.at['C'])} FLOP; "
            f"{s.truth:.3f} came: off by {s.off:+.3f}"
        )
        blocks.append(Note(text, "good" if s.inside else "doubt"))
    return [*blocks, *(Note(f"{name}: {why}", "doubt") for name, why in refused.items())]


def _table(said: tuple[Said, ...]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (s.recipe, s.form, s.forecast.value, s.forecast.low, s.forecast.high, s.truth, s.off,
         "yes" if s.inside else "no")
        for s in said
    ]  # fmt: skip
    return Table(
        ("recipe", "law", "forecast R", "low", "high", "what came", "off by", "holds it"),
        tuple(rows),
        f"{LEVEL:.0%} intervals. The law was chosen by held-out error within the first half; what "
        f"came is the mean of the last {LAST} looks of every run.",
    )


def _figure(runs: Runs, said: Said) -> Figure:
    """Return the runs, the forecast made from their first half, and what came."""
    end = said.forecast.at["C"]
    f = said.forecast
    layers: list[Layer] = [
        Points(str(name), mine["C"], mine["R"], group=str(name))
        for name in sorted(set(runs.labels["run"].tolist()))
        for mine in (runs.select(runs.labels["run"] == name),)
    ]
    seen = int((runs["C"] <= SEEN * end).sum())
    along = np.geomspace(float(runs["C"].min()), float(runs["C"].max()), 80)
    curve = said.fit.predict(C=along)
    layers.append(Line(f"{said.form} through the first half", along, curve, group="chosen"))
    low, high = f.low if f.low is not None else f.value, f.high if f.high is not None else f.value
    layers.append(Interval("forecast of the end", end, f.value, low, high, group="chosen"))
    layers.append(Points("what came", np.array([end]), np.array([said.truth]), "truth"))
    return Figure(
        f"{said.recipe}: the forecast and what came", Axis.of("C", "FLOP, detailed"),
        Axis.of("R", log=False), tuple(layers),
        f"The forecast, by {said.form}, saw what lies left of the line: {seen} of {len(runs)} "
        "looks.",
        SEEN * end,
    )  # fmt: skip


def _compared(found: Read, names: list[str], seed: int) -> list[Block]:
    """Return two recipes side by side, from all of their looks."""
    from isoflop.assess.recipes import compare_recipes
    from isoflop.commands.rl.compare import MEANS
    from isoflop.commands.rl.fit import parameters, trust
    from isoflop.commands.rl.pictures import curves
    from isoflop.commands.rl.reading import fitted

    if len(names) < 2:
        return []
    two = replace(found, by_recipe={name: found.by_recipe[name] for name in names})
    every = fitted(two, after=None, draws=200, level=LEVEL, seed=seed)
    first, second = every.values()
    pair = compare_recipes(first, second, two.by_recipe, two.starts)
    return [
        Heading("Two recipes"),
        Paragraph(f"From {names[0]} to {names[1]}: {MEANS[pair.verdict]}."),
        *(block for curve in every.values() for block in trust(curve)),
        parameters(list(every.values()), LEVEL),
        curves(list(every.values())),
    ]


def _data(said: tuple[Said, ...]) -> dict[str, Any]:
    return {
        "level": LEVEL,
        "recipes": {
            s.recipe: {
                "form": s.form, "at": s.forecast.at["C"], "value": s.forecast.value,
                "low": s.forecast.low, "high": s.forecast.high, "truth": s.truth, "off": s.off,
                "inside": s.inside,
            }
            for s in said
        },
    }  # fmt: skip
