"""Facts with dates and sources: accelerators, what they can do and what they rent for."""

from __future__ import annotations

from isoflop.atlas.chips import chip, chip_names
from isoflop.atlas.evidence import (
    FitEvidence,
    HeldOutFit,
    ParameterEstimate,
    PlottedRuns,
    evidence_of,
)
from isoflop.atlas.range import Range, Spread
from isoflop.atlas.record import Chip, Confidence, Price
from isoflop.atlas.utilisation import REPORTED, ReportedRun, reported_utilisation

__all__ = [
    "REPORTED",
    "Chip",
    "Confidence",
    "FitEvidence",
    "HeldOutFit",
    "ParameterEstimate",
    "PlottedRuns",
    "Price",
    "Range",
    "ReportedRun",
    "Spread",
    "chip",
    "chip_names",
    "evidence_of",
    "reported_utilisation",
]
