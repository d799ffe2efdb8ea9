"""compare: laws ranked by how far they miss larger runs, and what they forecast together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.inputs import RunsOptions, Source, split
from isoflop.commands.registry import ANY, Option, command
from isoflop.pages.compare import page_of
from isoflop.pages.progress import progress
from isoflop.report import Report

Laws = Annotated[
    tuple[str, ...],
    Option("laws to compare, with commas between; else those of the table's inputs", "LAW,LAW"),
]
Objectives = Annotated[
    tuple[str, ...],
    Option("objectives to fit each with; huber and student-t unless given", "NAME,NAME"),
]
Over = Annotated[str | None, Option("the input of laws that leave it open, such as C", "QUANTITY")]
Along = Annotated[
    tuple[str, ...],
    Option("hold out the largest runs by these; C, or the only size", "QUANTITY"),
]
Cuts = Annotated[int, Option("how many splits by each quantity")]
Level = Annotated[float, Option("share of runs that an interval shall hold")]
Seed = Annotated[int, Option("of the starting points and draws", "SEED")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """Which laws are held against the larger runs, and how."""

    laws: Laws = ()
    objectives: Objectives = ()
    over: Over = None
    axis: Along = ()
    cuts: Cuts = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """How the laws forecast together."""

    level: Annotated[
        float, Option("share of draws that the pooled forecast shall hold", needs=(ANY,))
    ] = 0.9
    draws: Annotated[int, Option("refits behind the pooled forecast", needs=(ANY,))] = 1000
    seed: Seed = 0


@command(
    "compare",
    section="Laws, and how far they hold",
    example="isoflop compare sample:tiny --laws chinchilla,kaplan-joint",
)
def compare(
    runs: Source,
    *,
    extrapolation: BacktestOptions = BacktestOptions(),
    pooling: PoolOptions = PoolOptions(),
    table_options: RunsOptions = RunsOptions(),
    **at: float,
) -> Report:
    """Rank laws by their error on larger runs that they were not shown.

    Says where a difference is noise, and how much weight each law has in a forecast that pools
    them. Give what the laws take (N and D) for that forecast.
    """
    from isoflop import assess
    from isoflop.assess.extrapolation.candidates import OBJECTIVES, candidates
    from isoflop.forecasting import forecast

    table = table_options.read(runs)
    with progress(f"comparing laws on {len(table):,} runs") as watch:
        comparison = assess.compare(
            candidates(
                table,
                split(extrapolation.laws) or None,
                split(extrapolation.objectives) or OBJECTIVES,
                extrapolation.over,
            ),
            table,
            axis=split(extrapolation.axis) or None,
            cuts=extrapolation.cuts,
            level=pooling.level,
            seed=pooling.seed,
            watch=watch,
        )
    outcome = None
    if at:
        pooled = assess.pool(
            table,
            comparison=comparison,
            draws=pooling.draws,
            level=pooling.level,
            seed=pooling.seed,
        )
        outcome = forecast(pooled, **at)
    return page_of(comparison, outcome)
