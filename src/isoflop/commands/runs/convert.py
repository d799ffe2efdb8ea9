"""runs convert: runs in another format, with their conventions inside."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import Option, command
from isoflop.pages.runs import written
from isoflop.report import Report
from isoflop.terminal import say


@command("runs convert", example="isoflop runs convert sample:tiny --out runs.parquet")
def convert(
    runs: Source,
    *,
    out: Annotated[str, Option(".csv, .tsv, .jsonl or .parquet", "FILE")],
    table_options: RunsOptions = RunsOptions(),
) -> Report:
    """Write runs in another format, with their conventions inside.

    Columns are named by the vocabulary, so the file is read back without any option.
    """
    table = table_options.read(runs)
    table.save(out)
    say(f"wrote {out}")
    return written(table, out)
