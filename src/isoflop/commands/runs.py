"""Look at runs, and write them in another format."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import Option, command
from isoflop.pages.runs import as_data, page_of, ranges, unstated
from isoflop.report import Block, Report, note_blocks
from isoflop.terminal import say


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
    blocks: list[Block] = [
        *note_blocks((*table.doubts, *table.notes)),
        *unstated(table),
        ranges(table),
    ]
    title = f"{len(table):,} runs of {table.origin}, written to {out}"
    return Report(title, tuple(blocks), {"out": out, **as_data(table)})
