"""score: forecasts of a register held against the runs that were made."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import Option, command
from isoflop.pages.score import page_of
from isoflop.report import Report


@command(
    "score",
    section="Runs under way",
    example="isoflop score register.jsonl sample:tiny --where 'C > 2e11'",
)
def score(
    register: Annotated[str, Option("the file of a register, or a study folder", "REGISTER")],
    runs: Source,
    *,
    metric: Annotated[
        str | None, Option("score this metric alone, the one that the runs hold", "NAME")
    ] = None,
    seal: Annotated[
        str | None, Option("a seal that was published: the register must contain it", "HASH")
    ] = None,
    table_options: RunsOptions = RunsOptions(),
) -> Report:
    """Score the forecasts of a register by the runs that were made.

    A run is found by its label, else by its inputs. Each forecast gets its error and whether its
    interval held; the register gets its record: coverage with an interval of its own, bias and
    interval score, by law and by distance beyond the data. A register that was changed is said.
    """
    from isoflop import monitor

    table = table_options.read(runs)
    return page_of(monitor.score(register, table, metric=metric, seal=seal))
