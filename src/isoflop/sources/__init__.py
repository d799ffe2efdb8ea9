"""Where runs come from: files, data frames, mappings of arrays, studies and packaged samples."""

from __future__ import annotations

from isoflop.sources.reading import read
from isoflop.sources.packaged import sample_names
from isoflop.sources.studies import from_study

__all__ = ["from_study", "read", "sample_names"]
