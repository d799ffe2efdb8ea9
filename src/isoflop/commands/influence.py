"""influence: what an answer becomes when some of the runs are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import Option, command
from isoflop.pages.influence import answers, page_of
from isoflop.report import Report

Objectives = Annotated[
    Literal["huber", "squared", "asymmetric", "student-t"], Option("what is minimised")
]
Fixed = Annotated[
    Mapping[str, float] | None, Option("pin a parameter, such as E=1.69", "NAME=NUMBER")
]
Over = Annotated[
    str | None, Option("the input of a law that leaves it open, such as C", "QUANTITY")
]
Output = Annotated[
    str | None, Option("the output of a law that leaves it open; L unless given", "QUANTITY")
]
ToFit = Annotated[str, Option("the law to fit; 'isoflop laws' lists them", "LAW")]
Seed = Annotated[int, Option("of the starting points and draws", "SEED")]


@dataclass(frozen=True, slots=True, kw_only=True)
class LawOptions:
    """The law, and how it is fitted."""

    law: ToFit
    objective: Objectives = "huber"
    fix: Fixed = None
    over: Over = None
    predicts: Output = None
    seed: Seed = 0


@command(
    "influence",
    section="Laws, and how far they hold",
    example="isoflop influence sample:tiny --law chinchilla --C 1e20",
)
def influence(
    runs: Source,
    *,
    method: LawOptions,
    most: Annotated[int, Option("how many of the highest losses to leave out")] = 20,
    table_options: RunsOptions = RunsOptions(),
    **at: float,
) -> Report:
    """Show how far answers hang on a few of the runs.

    Leaves out the 1, 2, ... highest losses, each size, budget, family and run, and fits again.
    Give C for the best N and D of that budget, or what the law takes (N and D) for a forecast.
    """
    from isoflop import assess, fitting
    from isoflop.laws import form

    table = table_options.read(runs)
    fit = fitting.fit(
        form(method.law),
        table,
        objective=method.objective,
        fix=method.fix,
        over=method.over,
        predicts=method.predicts,
        seed=method.seed,
    )
    questions = answers(fit, at)
    result = assess.influence(fit, questions, most=most, seed=method.seed)
    return page_of(result, questions)
