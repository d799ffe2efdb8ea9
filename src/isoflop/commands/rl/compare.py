"""rl compare: what a change of recipe moved, the ceiling or the way to it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from isoflop.commands.inputs import IntervalOptions, Source, TableOptions
from isoflop.commands.registry import command
from isoflop.commands.rl.rl_options import (
    CurveOptions,
    RLInput,
    fitted,
    read,
)
from isoflop.errors import UsageError
from isoflop.pages.rl_compare import as_data, crossings, curve_data, differences, verdict
from isoflop.pages.rl_fit import formula, parameters, trust
from isoflop.quantities import quantity
from isoflop.report import Block, Heading, Remark, Report

if TYPE_CHECKING:
    from isoflop.assess.reward.curve import RewardCurve
    from isoflop.assess.reward.recipes import Pair


@command("rl compare", example="isoflop rl compare sample:rl --after 1500")
def rl_compare(
    runs: Source,
    *,
    rewards: CurveOptions = CurveOptions(),
    interval: IntervalOptions = IntervalOptions(draws=400),
    table_options: TableOptions = TableOptions(),
) -> Report:
    """Compare recipes of reinforcement learning: ceilings and efficiency.

    Gives A, B and C_mid side by side; where the ceilings agree, B is compared after both are
    fitted again with one A, as ScaleRL does. Says where the curves cross, with an interval, and
    whether the change moved the ceiling or the way to it. The label family tells recipes apart.
    """
    from isoflop.assess.reward.recipes import compare_recipes
    from isoflop.experiments.rl.study import doubts, recipes_of

    logs = read(runs, table_options, rewards)
    if len(logs.by_recipe) < 2:
        raise UsageError(
            f"there is one recipe, {next(iter(logs.by_recipe))!r}; label runs of several in a "
            "column family, or import them as RECIPE=LOG"
        )
    fits = fitted(logs, rewards.after, interval)
    pairs = [
        compare_recipes(a, b, logs.by_recipe, logs.starts)
        for a, b in itertools.combinations(fits.values(), 2)
    ]
    report = _report(logs, list(fits.values()), pairs, interval.level)
    named = {name: r for name, r in recipes_of(runs).items() if name in logs.by_recipe}
    first = tuple(Remark(text, "doubt") for text in doubts(named))
    return replace(report, blocks=(*first, *report.blocks))


def _report(logs: RLInput, every: list[RewardCurve], pairs: list[Pair], level: float) -> Report:
    from isoflop.pages.rl_figures import curves, efficiency

    blocks: list[Block] = [
        *(Remark(verdict(p), "doubt" if p.verdict == "unknown" else "info") for p in pairs),
        *logs.named,
        *(block for curve in every for block in trust(curve)),
        formula(logs.over),
        parameters(every, level),
        differences(pairs, level),
        crossings(pairs, logs.over, level),
        Heading("Figures"),
        curves(every),
        efficiency(every),
    ]
    data = {
        "over": logs.over,
        "unit": quantity(logs.over).unit,
        "level": level,
        "recipes": {c.recipe: curve_data(c) for c in every},
        "pairs": [as_data(p) for p in pairs],
    }
    return Report(f"{len(every)} recipes compared", tuple(blocks), data)
