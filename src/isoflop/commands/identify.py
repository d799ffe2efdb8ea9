"""identify: which numbers the runs can give, and which they cannot."""

from __future__ import annotations

from isoflop.commands.influence import LawOptions
from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import command
from isoflop.pages.identify import page_of
from isoflop.pages.influence import answers
from isoflop.report import Report


@command(
    "identify",
    section="Laws, and how far they hold",
    example="isoflop identify sample:tiny --law chinchilla --C 1e20",
)
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
    return page_of(assess.identify(fit, answers(fit, at)))
