"""testtime sample: draw samples from a model, and keep them in a bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime import sampling_options as asked
from isoflop.pages.testtime_sample import page_of, progress_of
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseOptions:
    """The problems."""

    task: asked.Task = "chain"
    problems: asked.Problems = None
    columns: asked.Columns = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """How many samples are wanted, and what they are called."""

    samples: asked.Samples = 64
    n: asked.Width = None
    lineage: asked.Lineage = None


@command(
    "testtime sample", example="isoflop testtime sample --problems 16 --samples 64 drawn"
)  # fmt: skip
def sample(
    bank: Annotated[str, Option("where the samples lie, made or gone on with", "BANK")],
    *,
    problem: ExerciseOptions = ExerciseOptions(),
    target: TargetOptions = TargetOptions(),
    sampling: asked.SamplingOptions = asked.SamplingOptions(),
    budget: asked.ForcingOptions = asked.ForcingOptions(),
    verdicts: asked.VerdictOptions = asked.VerdictOptions(),
) -> Report:
    """Draw samples of a model, judge them, and keep them in a bank.

    Killed anywhere, the same command goes on: no sample is lost or counted twice. What a server
    answers that is no answer is left out, and counted. --check runs a program of yours on what a
    model wrote: that is no sandbox. --again and --limit force how long a model thinks.
    """
    from isoflop.experiments.display import shown
    from isoflop.experiments.sampling.budget_forcing import force
    from isoflop.experiments.sampling.collect import CollectionTarget, fill
    from isoflop.samples.bank import SampleBank

    sampling.check()
    exercise, backend = sampling.ready(problem.task, problem.problems, problem.columns)
    judge = asked.judge(exercise, verdicts.check, verdicts.time_limit, verdicts.reward or {})
    width = target.n if target.n is not None else 64 if sampling.backend == "embedded" else 8
    name, forcing = target.lineage or sampling.lineage, asked.forcing(sampling, budget)
    samples, strategy = SampleBank.create(bank), "parallel"
    if forcing is not None:
        backend, strategy = force(samples, name, backend, forcing), forcing.strategy
    wanted = CollectionTarget(target.samples, name, strategy, width, sampling.seed)
    with shown(name, progress_of) as watch:
        result = fill(samples, exercise.problems, wanted, backend, judge, watch)
    return page_of(samples, wanted, result, (*exercise.notes, *exercise.remarks()))
