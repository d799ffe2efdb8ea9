"""Samples from the logs of inspect_ai, lm-eval, its_hub and plain tables, into a sample bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isoflop.errors import UsageError
from isoflop.sources.importers import Imported, importer
from isoflop.sources.sample_logs import read_samples


@importer("samples", "attempts at problems: logs of inspect_ai, lm-eval, its_hub, CSV, JSON lines")
def read(logs: Sequence[str], columns: Mapping[str, str], settings: Mapping[str, str]) -> Imported:
    """Return the samples of logs; saved, they are added to a bank, each once.

    Raises BadRuns for logs without any sample, UsageError for settings: there are none.
    """
    if settings:
        raise UsageError(f"--set knows nothing of --as samples; it says {next(iter(settings))!r}")
    table = read_samples(logs, columns)
    rows = []
    for (strategy, lineage), count in table.groups.items():
        mine = [
            i for i, pair in enumerate(
                zip(table.columns["strategy"], table.columns["lineage"], strict=True)
            )
            if pair == (strategy, lineage)
        ]  # fmt: skip
        problems = {table.columns["problem"][i] for i in mine}
        right = [table.columns["correct"][i] for i in mine]
        graded = [r for r in right if r is not None]
        rows.append(
            (strategy, lineage or None, len(problems), count,
             sum(graded) / len(graded) if graded else None)
        )  # fmt: skip
    columns_ = ("strategy", "lineage", "problems", "samples", "share right")
    return Imported(table, columns_, tuple(rows), (*table.notes, *table.gaps))
