"""Laws across public models: capabilities behind benchmarks, by family of compute, to a task."""

from __future__ import annotations

from isoflop.observational.components import Capabilities, Models, capabilities, impute
from isoflop.observational.families import FamilyLine, TooFew, families, family
from isoflop.observational.family_forecast import FamilyForecast, forecast_family, line_of
from isoflop.observational.target import (
    ObservationalBacktest,
    Observed,
    ScoreSigmoid,
    held_out,
    observe,
)

__all__ = [
    "Capabilities",
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
    "forecast_family",
    "held_out",
    "impute",
    "line_of",
    "observe",
]
