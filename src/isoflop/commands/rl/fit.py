"""rl fit: reward curves of each recipe, how far they can be trusted, and a forecast."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import IntervalOptions, Source, TableOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.rl.rl_options import CurveOptions
from isoflop.report import Report


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
    from isoflop.monitor.reward_curves import fit_reward_curves
    from isoflop.pages.rl_fit import page_of

    curves = fit_reward_curves(
        rewards.read(runs, table_options),
        to=to,
        after=rewards.after or 0.0,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(curves.with_paper_grid() if paper else curves)
