"""runs show: what was read as what, and its range."""

from __future__ import annotations

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import command
from isoflop.pages.runs import page_of
from isoflop.report import Report


@command("runs show", example="isoflop runs show sample:tiny")
def show(
    runs: Source,
    *,
    table_options: RunsOptions = RunsOptions(),
) -> Report:
    """Show runs: what was read as what, how it is counted, and its range.

    Every guess is noted: which column was taken for which quantity, which were left out, what was
    derived.
    """
    return page_of(table_options.read(runs))
