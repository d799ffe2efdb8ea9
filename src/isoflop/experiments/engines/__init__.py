"""Engines: where trials run, each behind the same two members, found by name."""

from __future__ import annotations

from isoflop.experiments.engines.local import LocalEngine, cores
from isoflop.experiments.engines.protocol import ENVIRONMENT, Engine, Job, Task
from isoflop.experiments.engines.queue import Failure, Sweep, SweepProgress, run
from isoflop.experiments.engines.registry import ENGINES, EngineOptions, engine

__all__ = [
    "ENGINES",
    "ENVIRONMENT",
    "Engine",
    "EngineOptions",
    "Failure",
    "Job",
    "LocalEngine",
    "Sweep",
    "SweepProgress",
    "Task",
    "cores",
    "engine",
    "run",
]
