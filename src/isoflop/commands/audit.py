"""audit: a checklist with verdicts on a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import command
from isoflop.pages.audit import advice, as_data, headline, table
from isoflop.report import Block, Report, note_blocks

if TYPE_CHECKING:
    pass


@command("audit", example="isoflop audit sample:tiny")
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

    result = assess.audit(table_options.read(runs))
    blocks: list[Block] = [headline(result), *note_blocks(result.runs.notes), table(result)]
    for finding in (*result.of("fail"), *result.of("warn")):
        blocks += advice(finding)
    title = f"Audit of {len(result.runs):,} runs of {result.runs.origin}"
    return Report(title, tuple(blocks), as_data(result))
