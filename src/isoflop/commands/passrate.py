"""passrate: GPT-4's law of pass rates, from counts of smaller models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from isoflop.commands.inputs import OptionalIntervals
from isoflop.commands.registry import Option, command
from isoflop.pages.pass_rate import page_of
from isoflop.report import Report


@command(
    "passrate",
    section="Forecasts",
    example="isoflop passrate sample:simulated-passes --C 1e24 --buckets 3 --draws 200",
)
def passrate(
    counts: Annotated[
        str,
        Option(
            "a table with a row a model and problem: C, problem, solved, attempts; or a sample",
            "COUNTS",
        ),
    ],
    *,
    C: Annotated[float | None, Option("the compute to forecast the pass rate at [FLOP]")] = None,
    buckets: Annotated[
        int, Option("parts of like difficulty that get a law each", least=1, most=10)
    ] = 1,
    columns: Annotated[
        Mapping[str, str] | None,
        Option("which column holds what, such as solved=passed", "NAME=COLUMN"),
    ] = None,
    interval: OptionalIntervals = OptionalIntervals(),
) -> Report:
    """Forecast a larger model's pass rate from counts of smaller ones.

    As GPT-4's report did: -E[ln pass rate] = A / C^alpha over the problems that every model solves
    at least once. Which problems those are depends on the models and on how often they tried,
    which is said.
    """
    from isoflop.downstream.pass_rate import pass_rate_law
    from isoflop.sources.pass_counts import read_pass_counts

    return page_of(
        pass_rate_law(
            read_pass_counts(counts, columns),
            C,
            buckets=buckets,
            draws=interval.draws,
            level=interval.level,
            seed=interval.seed,
        )
    )
