"""rl demo: train for real, forecast the second half from the first, and say how far off it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.commands.rl.rl_options import RLInput, read
from isoflop.commands.rl.run import MADE
from isoflop.pages.rl_demo import (
    LEVEL,
    SEEN,
    RecipeForecast,
    as_data,
    end_of,
    figure,
    table,
    verdicts,
)
from isoflop.pages.rl_run import designed, ends
from isoflop.pages.sweep import carry_out
from isoflop.report import (
    Block,
    Heading,
    Paragraph,
    Report,
)
from isoflop.terminal import say

if TYPE_CHECKING:
    pass


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
    from isoflop.commands.inputs import TableOptions
    from isoflop.commands.rl.rl_options import RewardOptions
    from isoflop.experiments.engines import LocalEngine
    from isoflop.report import html
    from isoflop.sources import read as read_runs

    study = designed(preset, (), {}, {}, None, seed)
    carry_out(folder, f"rl-{preset}-{seed}", study.trials(), LocalEngine(), MADE)
    runs = read(folder, TableOptions(), RewardOptions(over="C"))
    names = [name for name in study.arms if name in runs.by_recipe]
    forecasts, refused = _forecasts(runs, names, seed)
    blocks: list[Block] = [
        *verdicts(forecasts, refused),
        ends(read_runs(folder)),
        Heading("The second half, forecast from the first"),
        table(forecasts),
        *(figure(runs.by_recipe[s.recipe], s) for s in forecasts),
        *_compared(runs, names[:2], seed),
    ]
    report = Report(
        "Reinforcement learning: forecast, and what came", tuple(blocks), as_data(forecasts)
    )
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report


def _forecasts(
    logs: RLInput, names: list[str], seed: int
) -> tuple[tuple[RecipeForecast, ...], dict[str, str]]:
    """Return a forecast of each recipe from the first half of its compute, or why there is none."""
    from isoflop.assess.reward.curve import choose
    from isoflop.errors import RefusedByData
    from isoflop.fitting import fit
    from isoflop.monitor import outlook

    forecasts, refused = [], {}
    for name in names:
        runs, start = logs.by_recipe[name], logs.starts[name]
        end, truth = end_of(runs)
        train = runs.select(runs["C"] <= SEEN * end)
        try:
            chosen = choose(train, "C", start=start, level=LEVEL, seed=seed)
            prediction = outlook(chosen, train, "C", end, level=LEVEL, seed=seed)
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
        except RefusedByData as reason:
            refused[name] = str(reason)
            continue
        forecasts.append(RecipeForecast(name, c.law, prediction, truth, result))
    return tuple(forecasts), refused


def _compared(logs: RLInput, names: list[str], seed: int) -> list[Block]:
    """Return two recipes side by side, from all of their looks."""
    from isoflop.assess.reward.recipes import compare_recipes
    from isoflop.commands.inputs import IntervalOptions
    from isoflop.commands.rl.rl_options import fitted
    from isoflop.pages.rl_compare import MEANS
    from isoflop.pages.rl_figures import curves
    from isoflop.pages.rl_fit import parameters, trust

    if len(names) < 2:
        return []
    two = replace(logs, by_recipe={name: logs.by_recipe[name] for name in names})
    every = fitted(two, None, IntervalOptions(draws=200, level=LEVEL, seed=seed))
    first, second = every.values()
    pair = compare_recipes(first, second, two.by_recipe, two.starts)
    return [
        Heading("Two recipes"),
        Paragraph(f"From {names[0]} to {names[1]}: {MEANS[pair.verdict]}."),
        *(block for curve in every.values() for block in trust(curve)),
        parameters(list(every.values()), LEVEL),
        curves(list(every.values())),
    ]
