"""rl advise: go on with a run of reinforcement learning, or stop it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.inputs import Source, TableOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.rl.rl_options import Level, RewardOptions, Seed
from isoflop.errors import UsageError
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalOptions:
    """What is wanted of the run, and how sure a stop must be."""

    target: Annotated[str, Option("the reward that is wanted", "REWARD")]
    budget: Annotated[float, Option("the compute that there is in all, in the unit of the log")]
    step: Annotated[float | None, Option("compute whose gain is asked; a tenth of budget")] = None
    alpha: Annotated[float, Option("the most false stops per run")] = 0.1

    @property
    def reward(self) -> float:
        """The reward that is wanted, of any sign.

        Raises UsageError for a text that is none.
        """
        try:
            return float(self.target)
        except ValueError:
            text = f"--target is {self.target!r}; it must be a reward, such as 0.6"
            raise UsageError(text) from None


@command(
    "rl advise",
    example="isoflop rl advise sample:rl --where \"run == 'long-context-3' and hours < 9000\" "
    "--target 0.75 --budget 25k",
)
def rl_advise(
    log: Source,
    *,
    goal: GoalOptions,
    rewards: RewardOptions = RewardOptions(),
    level: Level = 0.9,
    seed: Seed = 0,
    table_options: TableOptions = TableOptions(),
) -> Report:
    """Say whether to continue a run of reinforcement learning, or to stop.

    Gives the probability of reaching the target within the budget, what the next stretch of
    compute is likely to add, and alarms for truncation, groups without variance and collapse. It
    may be asked after every evaluation: of runs that would reach the target, at most alpha are
    ever told to stop.
    """
    from isoflop.monitor.run_advice import Goal, advise_runs
    from isoflop.pages.rl_advise import page_of

    logs = rewards.read(log, table_options)
    advice = advise_runs(
        logs,
        Goal(target=goal.reward, budget=goal.budget, step=goal.step, alpha=goal.alpha),
        rows=table_options.read(log),  # those without an evaluation, too
        level=level,
        seed=seed,
    )
    return page_of(advice)
