"""testtime sample: draw samples from a model, and keep them in a bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime import sampling_options as asked
from isoflop.pages.testtime_sample import filled_of
from isoflop.report import Report

if TYPE_CHECKING:
    pass


@command(
    "testtime sample", example="isoflop testtime sample --problems 16 --samples 64 drawn"
)  # fmt: skip
def sample(
    bank: Annotated[str, Option("where the samples lie, made or gone on with", "BANK")],
    *,
    task: asked.Task = "chain",
    problems: asked.Problems = None,
    samples: asked.Samples = 64,
    backend: asked.Where = "embedded",
    model: asked.Model = None,
    url: asked.Url = None,
    api: asked.Api = "completions",
    key_from: asked.KeyFrom = "ISOFLOP_API_KEY",
    temperature: asked.Temperature = 1.0,
    max_tokens: asked.MaxTokens = None,
    stop: asked.Stop = (),
    n: asked.Width = None,
    at_once: asked.AtOnce = 8,
    timeout: asked.Timeout = 120.0,
    tries: asked.Tries = 6,
    set_: asked.Extra = None,
    again: asked.Again = 0,
    again_text: asked.AgainText = "Wait",
    limit: asked.Limit = None,
    end: asked.End = "",
    params: asked.Parameters = None,
    check: asked.Check = None,
    time_limit: asked.TimeLimit = 10.0,
    reward: asked.Reward = None,
    columns: asked.Columns = None,
    lineage: asked.Lineage = None,
    seed: Annotated[int, Option("of the problems and of the samples", "SEED")] = 0,
) -> Report:
    """Draw samples of a model, judge them, and keep them in a bank.

    Killed anywhere, the same command goes on: no sample is lost or counted twice. What a server
    answers that is no answer is left out, and counted. --check runs a program of yours on what a
    model wrote: that is no sandbox. --again and --limit force how long a model thinks.
    """
    asking = asked.Asking(
        where=backend,
        model=model,
        url=url,
        api=api,
        key_from=key_from,
        temperature=temperature,
        max_tokens=max_tokens,
        stop=stop,
        at_once=at_once,
        timeout=timeout,
        tries=tries,
        extra=set_ or {},
        parameters=params,
        seed=seed,
    )
    exercise, drawn_from = asking.ready(task, problems, columns)
    judge = asked.judge(exercise, check, time_limit, reward or {})
    width = n if n is not None else 64 if backend == "embedded" else 8
    name, forced = lineage or asking.lineage, asked.forcing(asking, again, again_text, limit, end)
    return filled_of(
        folder=bank,
        lineage=name,
        samples=samples,
        width=width,
        seed=seed,
        exercise=exercise,
        backend=drawn_from,
        judge=judge,
        forcing=forced,
    )
