"""Laws across public models: capabilities behind benchmarks, by family of compute, to a task."""

from __future__ import annotations

from isoflop.observational.benchmark_forecast import (
    BenchmarkForecast,
    CapabilityFit,
    forecast_benchmark,
)
from isoflop.observational.components import Capabilities, Models, capabilities, impute
from isoflop.observational.families import FamilyLine, TooFew, families, family
from isoflop.observational.family_forecast import FamilyForecast, forecast_family, line_of
from isoflop.observational.read_models import read_models
from isoflop.observational.target import (
    ObservationalBacktest,
    Observed,
    ScoreSigmoid,
    held_out,
    observe,
)

__all__ = [
    "BenchmarkForecast",
    "Capabilities",
    "CapabilityFit",
    "FamilyForecast",
    "FamilyLine",
    "Models",
    "ObservationalBacktest",
    "Observed",
    "ScoreSigmoid",
    "TooFew",
    "capabilities",
    "families",
    "family",
    "forecast_benchmark",
    "forecast_family",
    "held_out",
    "impute",
    "line_of",
    "observe",
    "read_models",
]
