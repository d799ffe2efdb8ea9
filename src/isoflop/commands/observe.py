"""observe: what the scores of public models say of a task beyond the compute of a cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.inputs import IntervalOptions, Source, TableOptions, split
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
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

    @property
    def least(self) -> float | None:
        """The share that --floor writes, of which 0 is one; None if it was not given.

        Raises UsageError for what is none.
        """
        if self.floor is None:
            return None
        try:
            value = float(self.floor)
        except ValueError:
            text = f"--floor is {self.floor!r}; it must be a share such as 0.25"
            raise UsageError(text) from None
        if not 0 <= value < 1:
            raise UsageError(f"--floor is {value:g}; a guess scores from 0 to below 1")
        return value


@command(
    "observe",
    section="Forecasts",
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
    from isoflop.observational import CapabilityFit, forecast_benchmark, read_models
    from isoflop.pages.observational import page_of

    how = CapabilityFit(
        n_components=capability.components,
        floor=capability.least,
        ceiling=capability.ceiling,
        cutoff=capability.cutoff,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    names = split(capability.inputs)
    models = read_models(table, capability.target, names, **table_options.settings)
    forecast = forecast_benchmark(models, capability.target, names, how=how, family=family, C=C)
    return page_of(forecast)
