"""identify: which numbers the runs can give, and which they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.commands.influence import Fixed, Objectives, Output, Over, Seed, ToFit
from isoflop.commands.inputs import Columns, Convention, Derive, RunsOptions, Source, Unit, Where
from isoflop.commands.registry import command
from isoflop.pages.identify import answers_of, as_data, correlations, figure, parameters
from isoflop.pages.influence import answers
from isoflop.report import Block, Heading, Note, Paragraph, Report, note_blocks

if TYPE_CHECKING:
    pass


@command("identify", example="isoflop identify sample:tiny --law chinchilla --C 1e20")
def identify(
    runs: Source,
    *,
    law: ToFit,
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
    """Show which numbers the runs can give, and which they cannot.

    Holds each parameter at other values and fits the rest again. Give C for the best N and D of
    that budget, or what the law takes (N and D) for a forecast.
    """
    from isoflop import assess, fitting
    from isoflop.laws import form

    table = RunsOptions(where, columns, derive, convention, unit)(runs)
    fit = fitting.fit(
        form(law), table, objective=objective, fix=fix, over=over, predicts=predicts, seed=seed
    )
    result = assess.identify(fit, answers(fit, at))
    fresh = [n for n in result.notes if n not in fit.notes]
    good = [] if result.unknown else [Note("the runs give every number that was asked for", "good")]
    blocks: list[Block] = [
        *note_blocks(fit.notes),
        *note_blocks(fresh),
        *(Note(f"not known: {name}; {why}", "doubt") for name, why in result.unknown.items()),
        *good,
        parameters(fit, result),
        *answers_of(result),
        *correlations(result),
        Heading("Profiles"),
        Paragraph(
            "Each curve holds one parameter at other values and fits the rest again. Where it "
            "crosses 1, a value fits worse than chance explains: there the interval ends."
        ),
        *(figure(fit, p) for p in result.profiles),
    ]
    title = f"What {len(table):,} runs of {table.origin} say of {law}"
    refused = fit.status == "refused"
    return Report(title, tuple(blocks), as_data(fit, result), refused=refused)
