"""import: logs of other programs as runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from isoflop import errors
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError, amount, texts
from isoflop.pages.import_logs import unsaid
from isoflop.pages.progress import progress
from isoflop.report import Block, Report, Table, note_blocks
from isoflop.terminal import say


@command(
    "import",
    example="isoflop import cispo=sample:rl-log --as rl --set hours-per-step=8 --out curve.csv",
)
def import_(
    logs: Annotated[tuple[str, ...], Option("files or folders; RECIPE=LOG names a recipe")] = (),
    *,
    as_: Annotated[str, Option("what the logs are of: rl, and what else is listed", "KIND")],
    out: Annotated[str, Option(".csv, .tsv, .jsonl or .parquet; a bank for samples", "FILE")],
    columns: Annotated[
        Mapping[str, str] | None, Option("which field is what, such as R=my/score", "NAME=FIELD")
    ] = None,
    set_: Annotated[
        Mapping[str, str] | None,
        Option("what the log does not say, such as hours-per-step=0.8", "NAME=VALUE"),
    ] = None,
) -> Report:
    """Turn logs of other programs into a table of runs.

    Reads JSON lines, trainer_state.json, CSV exports of W&B and trackio, consoles, and folders of
    TensorBoard event files. Fields are recognised by the names that TRL, verl, OpenRLHF and
    prime-rl give them. A run that was restarted is joined, and that is said.
    """
    from isoflop.sources import importers
    from isoflop.sources.sample_logs import SampleTable

    kind = importers.kind(as_)
    if not logs:
        raise UsageError(f"name the logs to import --as {as_}: files or folders")
    sets = set_ or {}
    with progress("reading the logs") as watch:
        runs = kind.read(logs, columns or {}, sets, watch)
    with progress("writing the samples") as watch:
        table = runs.table
        new = table.save(out, watch) if isinstance(table, SampleTable) else table.save(out)
    say(f"wrote {out}")
    notes = list(runs.notes)
    if new is not None and new < len(runs.table):
        repeats = amount(len(runs.table) - new, "row was", "rows were")
        text = f"{repeats} in {out} already; what is there stays as it is"
        notes.append(errors.Note("info", "repeats", text))
    blocks: list[Block] = [
        *note_blocks(notes),
        Table(runs.columns, runs.rows),
        *unsaid(kind.options, sets),
    ]
    data: dict[str, Any] = {
        "out": out,
        "kind": as_,
        "rows": len(runs.table),
        "notes": texts(notes),
        "found": [dict(zip(runs.columns, row, strict=True)) for row in runs.rows],
    }
    rows = amount(len(runs.table), "row", "rows")
    return Report(f"{rows} imported to {out}", tuple(blocks), data)
