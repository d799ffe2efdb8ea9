"""identify: which numbers the runs can give, and which they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.commands.influence import LawOptions
from isoflop.commands.inputs import RunsOptions, Source
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
    method: LawOptions,
    table_options: RunsOptions = RunsOptions(),
    **at: float,
) -> Report:
    """Show which numbers the runs can give, and which they cannot.

    Holds each parameter at other values and fits the rest again. Give C for the best N and D of
    that budget, or what the law takes (N and D) for a forecast.
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
    title = f"What {len(table):,} runs of {table.origin} say of {method.law}"
    refused = fit.status == "refused"
    return Report(title, tuple(blocks), as_data(fit, result), refused=refused)
