"""Engines: where trials run, each behind the same two members, found by name."""

from __future__ import annotations

from isoflop.experiments.engines.local import LocalEngine, cores
from isoflop.experiments.engines.protocol import ENVIRONMENT, Engine, EngineTask, Job
from isoflop.experiments.engines.queue import Sweep, SweepProgress, TrialFailure, run
from isoflop.experiments.engines.registry import ENGINES, EngineOptions, engine

__all__ = [
    "ENGINES",
    "ENVIRONMENT",
    "Engine",
    "EngineOptions",
    "EngineTask",
    "Job",
    "LocalEngine",
    "Sweep",
    "SweepProgress",
    "TrialFailure",
    "cores",
    "engine",
    "run",
]
