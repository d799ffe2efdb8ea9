"""downstream: scores of tasks at a scale that has not been run, in two steps through the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.inputs import OptionalIntervals, RunsOptions, Source
from isoflop.commands.registry import Option, command
from isoflop.pages.downstream import (
    answer_of,
    as_data,
    forecasts,
    grades,
    notes_of,
    rules,
    title,
    ways,
)
from isoflop.report import Block, Heading, Report

if TYPE_CHECKING:
    pass

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
    from isoflop.commands.tasks import read_tasks
    from isoflop.pages.downstream_figures import of_task
    from isoflop.pages.tasks import chances

    tables = read_tasks(table_options, runs, tasks.task)
    guess = chances(tasks.chance, tuple(tables))
    options = {"law": steps.law, "over": steps.over, "link": steps.link, "fix": steps.fix}
    fitting = {
        "draws": interval.draws,
        "level": interval.level,
        "seed": interval.seed,
        "cluster": steps.cluster,
    }
    answers = [
        answer_of(
            name=name,
            runs=table,
            chance=guess.get(name),
            options=options,
            fitting=fitting,
            cuts=steps.cuts,
            at=at,
        )
        for name, table in tables.items()
    ]
    blocks: list[Block] = [*notes_of(answers), grades(answers)]
    if at:
        blocks.append(forecasts(answers, at))
    blocks += [ways(answers), rules()]
    for answer in answers:
        blocks += [Heading(answer.name), *of_task(answer, whole=len(answers) == 1)]
    refused = all(a.chain is None for a in answers)
    return Report(title(at), tuple(blocks), as_data(answers), refused)
