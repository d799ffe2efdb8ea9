"""Runs sent to trackio's store on this machine."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from isoflop.errors import MissingExtra
from isoflop.experiments.tracking.tracker import TrackedRun


def connect(project: str, where: str, folder: Path) -> TrackioRuns:
    """Return the project of trackio; `where` is another store than the user's own."""
    if where:
        os.environ["TRACKIO_DIR"] = str(Path(where).resolve())  # read when trackio is loaded
    try:
        import trackio
    except ImportError:
        raise MissingExtra("sending trials to trackio", "trackio") from None
    return TrackioRuns(trackio, project)


class TrackioRuns:
    """A project of trackio."""

    def __init__(self, trackio: Any, project: str) -> None:
        self._trackio, self.project = trackio, project

    def send(self, run: TrackedRun) -> None:
        """Send a run whole."""
        with contextlib.redirect_stdout(None):  # it greets
            self._trackio.init(
                project=self.project,
                name=f"{run.name} {run.key[:8]}",
                group=run.group,
                config=dict(run.config),
                embed=False,
            )
            last = 0
            for record in run.records:
                last = int(record["step"])
                self._trackio.log({k: v for k, v in record.items() if k != "step"}, step=last)
            self._trackio.log(dict(run.summary), step=last)
            self._trackio.finish()
