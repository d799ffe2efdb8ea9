"""audit: a checklist with verdicts on a study."""

from __future__ import annotations

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import command
from isoflop.pages.audit import page_of
from isoflop.report import Report


@command("audit", section="Runs", example="isoflop audit sample:tiny")
def audit(
    runs: Source,
    *,
    table_options: RunsOptions = RunsOptions(),
) -> Report:
    """Check a study for what makes a scaling law go wrong.

    Each check passes, warns, fails or cannot tell; it says what was seen and in which rows, why
    that matters and what to do.
    """
    from isoflop import assess

    return page_of(assess.audit(table_options.read(runs)))
