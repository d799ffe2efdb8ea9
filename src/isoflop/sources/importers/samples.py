"""Samples from the logs of inspect_ai, lm-eval, its_hub and plain tables, into a sample bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isoflop.errors import UsageError
from isoflop.sources.importers import Imported, Watch, importer, silent
from isoflop.sources.sample_logs import read_samples


@importer("samples", "attempts at problems: logs of inspect_ai, lm-eval, its_hub, CSV, JSON lines")
def read(
    logs: Sequence[str],
    columns: Mapping[str, str],
    settings: Mapping[str, str],
    watch: Watch = silent,
) -> Imported:
    """Return the samples of logs; saved, they are added to a bank, each once.

    Raises BadRuns for logs without any sample, UsageError for settings: there are none.
    """
    if settings:
        raise UsageError(f"--set knows nothing of --as samples; it says {next(iter(settings))!r}")
    table = read_samples(logs, columns, watch)
    rows = tuple(
        (
            strategy,
            lineage or None,
            len(group.problems),
            group.samples,
            group.right / group.graded if group.graded else None,
        )
        for (strategy, lineage), group in table.groups.items()
    )
    columns_ = ("strategy", "lineage", "problems", "samples", "share right")
    return Imported(table, columns_, rows, (*table.notes, *table.gaps))
