"""rl isocompute: how many responses per problem a budget is best spent on."""

from __future__ import annotations

from isoflop.commands.inputs import Source, TableOptions
from isoflop.commands.registry import command
from isoflop.commands.rl.rl_options import RewardOptions
from isoflop.errors import UsageError
from isoflop.report import Report


@command("rl isocompute", example="isoflop rl isocompute sample:rl-responses")
def rl_isocompute(
    runs: Source,
    *,
    rewards: RewardOptions = RewardOptions(),
    table_options: TableOptions = TableOptions(),
) -> Report:
    """Find the best number of responses per problem for each budget.

    Needs runs that differ in their column group, responses per problem. A sigmoid goes through
    the record-breaking evaluations of each number; n* is the number whose curve is highest.
    """
    from isoflop.assess.reward.isocompute import isocompute
    from isoflop.pages.rl_isocompute import page_of

    logs = rewards.read(runs, table_options)
    if len(logs.by_recipe) > 1:
        names = ", ".join(logs.by_recipe)
        raise UsageError(f"there are several recipes ({names}); choose one with --where")
    ((recipe, evaluated),) = logs.by_recipe.items()
    return page_of(isocompute(evaluated, logs.over, logs.starts[recipe]), logs)
