"""A benchmark forecast from others across families, with what was held out to judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isoflop.errors import UsageError
from isoflop.observational.components import Models
from isoflop.observational.families import FamilyLine, TooFew, families
from isoflop.observational.family_forecast import FamilyForecast, forecast_family
from isoflop.observational.target import ObservationalBacktest, Observed, held_out, observe
from isoflop.report.display import Displayed
from isoflop.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityFit:
    """How capabilities are fitted: how many are n_components, the ends of scores, and intervals.

    `floor` is the score of a guess, fitted where None; `cutoff` is the compute [FLOP] beyond
    which models are held out, None for none.
    """

    n_components: int = 3
    floor: float | None = None
    ceiling: float = 1.0
    cutoff: float | None = None
    draws: int = 1000
    level: float = 0.9
    seed: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """What `observe` and `held_out` take."""
        names = ("n_components", "floor", "ceiling", "level", "draws", "seed")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False)
class BenchmarkForecast(Displayed):
    """The table and its models, the law, its hold-out, a family and its forecast."""

    runs: Runs
    models: Models
    fit: Observed
    test: ObservationalBacktest | None
    family: str | None
    forecast: FamilyForecast | None

    @property
    def lines(self) -> tuple[tuple[FamilyLine, ...], tuple[TooFew, ...]]:
        """The lines of the first capability by family, and the families that have none."""
        S = self.fit.capabilities.of(self.models, 1)[:, 0]
        return families(self.models, S, self.fit.level)


def forecast_benchmark(
    table: tuple[Runs, Models],
    target: str,
    inputs: tuple[str, ...] = (),
    *,
    how: CapabilityFit = CapabilityFit(),
    family: str | None = None,
    C: float | None = None,
) -> BenchmarkForecast:
    """Return a benchmark forecast from others, of `read_models`: its law, hold-out and forecast.

    `inputs` are the benchmarks that it is forecast from, all others unless given. `C` [FLOP] is
    where `family` is forecast.

    Raises UsageError for a forecast without a family, and without draws.
    """
    if C is not None and family is None:
        raise UsageError("--C forecasts a family; say which with --family NAME")
    if how.draws < 1:
        raise UsageError("--draws is 0; an interval needs draws, such as 1000")
    runs, models = table
    used = inputs or tuple(b for b in models.benchmarks if b != target)
    test = None
    if how.cutoff is not None:
        test = held_out(models, target, used, how.cutoff, **how.options)
    fit = observe(models, target, used, **how.options) if test is None else test.fit
    forecast = None if C is None else forecast_family(fit, models, str(family), C)
    return BenchmarkForecast(runs, models, fit, test, family, forecast)
