"""import: logs of other programs as runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.pages.progress import progress
from isoflop.report import Report
from isoflop.terminal import say


@command(
    "import",
    section="Runs",
    example="isoflop import cispo=sample:rl-log --as rl --set hours-per-step=8 --out curve.csv",
)
def import_(
    logs: Annotated[
        tuple[str, ...], Option("files, folders, addresses; RECIPE=LOG names a recipe")
    ] = (),
    *,
    as_: Annotated[
        str | None,
        Option("runs, curves, rl, samples or scores; left out, the logs tell", "KIND"),
    ] = None,
    out: Annotated[
        str | None, Option(".csv, .tsv, .jsonl or .parquet; a bank for samples", "FILE")
    ] = None,
    columns: Annotated[
        Mapping[str, str] | None, Option("which field is what, such as R=my/score", "NAME=FIELD")
    ] = None,
    set_: Annotated[
        Mapping[str, str] | None,
        Option("what the log does not say, such as hours-per-step=0.8", "NAME=VALUE"),
    ] = None,
) -> Report:
    """Turn logs and trackers of other programs into a table of runs.

    Reads W&B (wandb:ENTITY/PROJECT, and folders written offline, without a login), MLflow,
    TensorBoard, trackio, Neptune's exports, trainer_state.json, CSV, JSON lines, and the consoles
    of training programs, told by what they hold. A run that was restarted is joined, one that
    comes twice counts once, and that is said. What --columns and --set say is kept beside FILE.
    """
    from isoflop.pages.import_logs import page_of
    from isoflop.sources.import_logs import import_logs
    from isoflop.sources.sample_logs import SampleTable

    with progress("reading the logs") as watch:
        runs = import_logs(
            *logs,
            kind=as_,
            columns=columns,
            settings=set_,
            study=Path(out).parent if out else None,
            watch=watch,
        )
    new, table = None, runs.table
    if out:
        with progress("writing the samples") as watch:
            new = table.save(out, watch) if isinstance(table, SampleTable) else table.save(out)
        say(f"wrote {out}")
    return page_of(runs, set_, out, new)
