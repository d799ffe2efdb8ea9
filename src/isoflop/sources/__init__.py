"""Where runs come from: files, data frames, mappings of arrays, studies and packaged samples."""

from __future__ import annotations

from isoflop.sources.packaged import sample_names
from isoflop.sources.read_runs import read

__all__ = ["read", "sample_names"]
