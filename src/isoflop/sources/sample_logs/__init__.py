"""Samples in the logs of other programs: inspect_ai, lm-eval, its_hub, and plain tables."""

from isoflop.sources.sample_logs.read_samples import read_samples
from isoflop.sources.sample_logs.table import SampleTable

__all__ = ["SampleTable", "read_samples"]
