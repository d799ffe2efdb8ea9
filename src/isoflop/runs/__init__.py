"""Runs: an immutable table of observations, columns named by the vocabulary."""

from __future__ import annotations

from isoflop.runs.cells import ABOVE_ZERO, LABELS, SYMBOLS, refuse_impossible
from isoflop.runs.conventions import CONVENTIONS, refuse_clash
from isoflop.runs.interpretation import ColumnReading, Reading
from isoflop.runs.omission import Omission
from isoflop.runs.table import Runs
from isoflop.runs.tabular import Tabular, as_runs

__all__ = [
    "ABOVE_ZERO",
    "CONVENTIONS",
    "LABELS",
    "SYMBOLS",
    "ColumnReading",
    "Omission",
    "Reading",
    "Runs",
    "Tabular",
    "as_runs",
    "refuse_clash",
    "refuse_impossible",
]
