"""observe: what the scores of public models say of a task beyond the compute of a cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from isoflop.commands.benchmarks import read_models
from isoflop.commands.inputs import IntervalOptions, Source, TableOptions
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.benchmarks import listed, share
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityOptions:
    """What is forecast from what, and by which form."""

    target: Annotated[str, Option("the benchmark to forecast", "BENCHMARK")]
    inputs: Annotated[
        tuple[str, ...], Option("the other benchmarks; all columns of shares unless given")
    ] = ()
    components: Annotated[int, Option("how many capabilities to keep")] = 3
    floor: Annotated[str | None, Option("the score of a guess, 0 to 1; fitted unless given")] = None
    ceiling: Annotated[float, Option("the best score there can be")] = 1.0
    cutoff: Annotated[float | None, Option("fit up to this compute [FLOP], hold out beyond")] = None


@command(
    "observe",
    example="isoflop observe sample:simulated-models --target arithmetic --floor 0 "
    "--cutoff 3e22 --components 1 --family simulated-oak --C 1e25",
)
def observe(
    table: Source,
    *,
    capability: CapabilityOptions,
    family: Annotated[str | None, Option("whose compute to speak of, and to forecast")] = None,
    C: Annotated[float | None, Option("forecast that family at this compute [FLOP]")] = None,
    interval: IntervalOptions = IntervalOptions(),
    table_options: TableOptions = TableOptions(),
) -> Report:
    """Forecast a benchmark from others, across families of public models.

    Principal components of the benchmarks are capabilities; each family turns compute into
    capability at its own rate; a sigmoid turns capability into the score on the target. The table
    holds a row per model: family, C, and a column of shares per benchmark. With --cutoff the
    law is fitted to the smaller models and held against the larger.
    """
    from isoflop import observational as laws
    from isoflop.pages.observational import ObservationalAnswer, report

    if C is not None and family is None:
        raise UsageError("--C forecasts a family; say which with --family NAME")
    if interval.draws < 1:
        raise UsageError("--draws is 0; an interval needs draws, such as 1000")
    runs, models = read_models(table_options, table, capability.target, listed(capability.inputs))
    used = listed(capability.inputs) or tuple(
        b for b in models.benchmarks if b != capability.target
    )
    how = {
        "n_components": capability.components,
        "floor": share(capability.floor),
        "ceiling": capability.ceiling,
        "level": interval.level,
    }
    options: dict[str, Any] = {**how, "draws": interval.draws, "seed": interval.seed}
    test = (
        None
        if capability.cutoff is None
        else laws.held_out(models, capability.target, used, capability.cutoff, **options)
    )
    observation = (
        laws.observe(models, capability.target, used, **options) if test is None else test.fit
    )
    family_forecast = (
        None if C is None else laws.forecast_family(observation, models, str(family), C)
    )
    return report(ObservationalAnswer(runs, models, observation, test, family, family_forecast))
