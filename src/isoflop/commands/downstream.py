"""downstream: scores of tasks at a scale that has not been run, in two steps through the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.inputs import OptionalIntervals, RunsOptions, Source
from isoflop.commands.registry import Option, command
from isoflop.report import Report

Tasks = Annotated[
    tuple[str, ...], Option("a task, or its columns; all that are found unless given", "TASK")
]
Chance = Annotated[
    Mapping[str, float] | None, Option("the score of a guess, such as hellaswag=0.25")
]
Fix = Annotated[
    Mapping[str, float] | None, Option("pin a parameter of the second step, such as ceiling=1")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """Which scores are forecast."""

    task: Tasks = ()
    chance: Chance = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """The two steps, from scale to loss and on to the score."""

    law: Annotated[str, Option("the law of the first step, from scale to loss")] = "chinchilla"
    over: Annotated[str | None, Option("the input of a law that leaves it open", "SYMBOL")] = None
    link: Annotated[str, Option("the law of the second step")] = "downstream-sigmoid"
    fix: Fix = None
    cuts: Annotated[int, Option("places at which larger runs are held out")] = 3
    cluster: Annotated[str | None, Option("draw whole groups of this column or label")] = None


@command(
    "downstream",
    section="Forecasts",
    example="isoflop downstream sample:simulated-ladder --task choice --chance choice=0.25 "
    "--N 7B --D 1T",
)
def downstream(
    runs: Source,
    *,
    tasks: TaskOptions = TaskOptions(),
    steps: StepOptions = StepOptions(),
    interval: OptionalIntervals = OptionalIntervals(),
    table_options: RunsOptions = RunsOptions(),
    **at: float,
) -> Report:
    """Forecast scores of tasks in two steps: loss from scale, score from loss.

    Each task has a column with its loss (bits per byte of the right answers) and one with its
    score; NAME_bpb and NAME_acc are found by name, others are said with --task NAME=LOSS:SCORE.
    Both steps are refitted to the same resampled runs. A task that does not rise above chance is
    refused; the others get a class, from a backtest, their noise and their order.
    """
    from isoflop.downstream import TwoSteps, forecast_tasks, read_tasks
    from isoflop.pages.downstream import page_of

    chosen = TwoSteps(
        law=steps.law,
        over=steps.over,
        link=steps.link,
        fix=steps.fix,
        cuts=steps.cuts,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
        cluster=steps.cluster,
    )
    tables = read_tasks(runs, tasks.task, **table_options.settings)
    return page_of(forecast_tasks(tables, tasks.chance, chosen, **at))
