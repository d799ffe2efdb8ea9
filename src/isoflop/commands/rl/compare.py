"""rl compare: what a change of recipe moved, the ceiling or the way to it."""

from __future__ import annotations

from isoflop.commands.inputs import IntervalOptions, Source, TableOptions
from isoflop.commands.registry import command
from isoflop.commands.rl.rl_options import CurveOptions
from isoflop.report import Report


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
    from isoflop.experiments.rl.study import recipes_of
    from isoflop.monitor.reward_curves import compare_reward_curves
    from isoflop.pages.rl_compare import page_of

    comparison = compare_reward_curves(
        rewards.read(runs, table_options),
        recipes=recipes_of(runs),
        after=rewards.after or 0.0,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(comparison)
