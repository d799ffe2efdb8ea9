"""What a tracker is, which there are, and where runs are sent."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from isoflop.errors import UnknownName

TRACKERS = ("wandb", "mlflow", "tensorboard", "trackio")  # a module of this package each


@dataclass(frozen=True, eq=False)
class TrackedRun:
    """A trial that ended: `key` is its own in the study, `config` what it was to do.

    `records` hold `step` and what was logged there, `summary` what came of it. `crashed` says
    that it diverged or failed.
    """

    key: str
    name: str
    group: str
    config: Mapping[str, Any]
    records: tuple[Mapping[str, float], ...]
    summary: Mapping[str, float]
    crashed: bool


class Tracker(Protocol):
    """Where runs are sent."""

    def send(self, run: TrackedRun) -> None:
        """Send a run whole, under the name of its study.

        Raises whatever the tracker's own library does.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where trials are sent: `where` is NAME or NAME:PLACE, `project` what a tracker calls them."""

    where: str
    project: str

    def connect(self, folder: Path) -> Tracker:
        """Return the tracker; what it writes itself lies in `folder` unless the place says else.

        Raises UnknownName for a tracker that is not known, MissingExtra without its library.
        """
        name, _, place = self.where.partition(":")
        if name not in TRACKERS:
            raise UnknownName("tracker", name, TRACKERS)
        module = importlib.import_module(f"isoflop.experiments.tracking.{name}_runs")
        tracker: Tracker = module.connect(self.project, place, folder.resolve() / f"{name}-runs")
        return tracker
