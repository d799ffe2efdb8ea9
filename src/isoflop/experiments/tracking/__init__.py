"""Trials of a sweep sent to experiment trackers, each once, when it ends; a file per tracker."""

from __future__ import annotations

from isoflop.experiments.tracking.send import tracked
from isoflop.experiments.tracking.tracker import TRACKERS, TrackedRun, Tracker, Tracking

__all__ = ["TRACKERS", "TrackedRun", "Tracker", "Tracking", "tracked"]
