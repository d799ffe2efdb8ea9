"""influence: what an answer becomes when some of the runs are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.inputs import Columns, Convention, Derive, RunsOptions, Source, Unit, Where
from isoflop.commands.registry import Option, command
from isoflop.pages.influence import SPLIT, answers, as_data, figures, tables, verdict
from isoflop.report import (
    Block,
    Paragraph,
    Report,
    note_blocks,
)

if TYPE_CHECKING:
    pass

MEANING = (
    "Each row is a fit to all runs but those named. An answer that a few runs decide is theirs, "
    "not the study's: look at them, and give the range."
)

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


@command("influence", example="isoflop influence sample:tiny --law chinchilla --C 1e20")
def influence(
    runs: Source,
    *,
    law: ToFit,
    most: Annotated[int, Option("how many of the highest losses to leave out")] = 20,
    objective: Objectives = "huber",
    fix: Fixed = None,
    over: Over = None,
    predicts: Output = None,
    seed: Seed = 0,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
    convention: Convention = None,
    unit: Unit = None,
    **at: float,
) -> Report:
    """Show how far answers hang on a few of the runs.

    Leaves out the 1, 2, ... highest losses, each size, each budget and each run, and fits again.
    Give C for the best N and D of that budget, or what the law takes (N and D) for a forecast.
    """
    from isoflop import assess, fitting
    from isoflop.laws import form

    table = RunsOptions(where, columns, derive, convention, unit)(runs)
    fit = fitting.fit(
        form(law), table, objective=objective, fix=fix, over=over, predicts=predicts, seed=seed
    )
    questions = answers(fit, at)
    result = assess.influence(fit, questions, most=most, seed=seed)
    main = next(iter(questions), fit.free[0])
    if SPLIT in questions:
        main = SPLIT
    names = tuple(questions) or fit.free
    blocks: list[Block] = [
        *note_blocks(fit.notes),
        *verdict(fit, questions, result, main),
        Paragraph(MEANING),
        *figures(fit, result, main),
        *tables(fit, result, names, main),
    ]
    title = f"What {law} hangs on in {len(table):,} runs of {table.origin}"
    refused = fit.status == "refused"
    return Report(title, tuple(blocks), as_data(fit, result, main), refused=refused)
