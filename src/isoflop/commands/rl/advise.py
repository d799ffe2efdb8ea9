"""Reward curves of reinforcement learning: fit, compare and forecast them; go on, or stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.inputs import Source, TableOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.rl.rl_options import (
    Level,
    RewardOptions,
    RLInput,
    Seed,
    read,
)
from isoflop.pages.rl_advise import as_data, described, of_of, reward
from isoflop.quantities import quantity
from isoflop.report import Block, Remark, Report, note_blocks

if TYPE_CHECKING:
    from isoflop.monitor import Alarm, StopAdvice
    from isoflop.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalOptions:
    """What is wanted of the run, and how sure a stop must be."""

    target: Annotated[str, Option("the reward that is wanted", "REWARD")]
    budget: Annotated[float, Option("the compute that there is in all, in the unit of the log")]
    step: Annotated[float | None, Option("compute whose gain is asked; a tenth of budget")] = None
    alpha: Annotated[float, Option("the most false stops per run")] = 0.1


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
    from isoflop.monitor import advise, alarms

    runs = read(log, table_options, rewards)
    wanted = runs.share(reward(goal.target), "--target")
    rows = table_options.read(log)  # alarms are of every row, also of those without an evaluation
    answers: dict[str, tuple[StopAdvice, tuple[Alarm, ...]]] = {}
    for name, recipe, run in _by_run(runs):
        advice = advise(
            run,
            runs.over,
            target=wanted,
            budget=goal.budget,
            start=runs.starts[recipe],
            step=goal.step,
            alpha=goal.alpha,
            level=level,
            seed=seed,
        )
        answers[name] = (advice, alarms(of_of(rows, name), runs.over))
    unknown = [
        Remark(f"R_0 of {n} is its first evaluation; --start says it better")
        for n, start in runs.starts.items()
        if start is None
    ]
    blocks: list[Block] = [*note_blocks(runs.notes), *unknown]
    for name, _, run in _by_run(runs):
        blocks += described(name, run, *answers[name], level)
    data = {
        "over": runs.over,
        "unit": quantity(runs.over).unit,
        "level": level,
        "runs": {name: as_data(*answer) for name, answer in answers.items()},
    }
    words = ", ".join(f"{name}: {a.says}" for name, (a, _) in list(answers.items())[:4])
    return Report(f"Advice: {words}", tuple(blocks), data)


def _by_run(logs: RLInput) -> list[tuple[str, str, Runs]]:
    """Return every run with its name and its recipe."""
    out = []
    for recipe, runs in logs.by_recipe.items():
        if "run" not in runs.labels:
            out.append((recipe, recipe, runs))
            continue
        for name in dict.fromkeys(runs.groups("run").tolist()):
            out.append((str(name), recipe, runs.select(runs.labels["run"] == name)))
    return out
