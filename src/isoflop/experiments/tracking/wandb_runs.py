"""Runs sent to W&B, or written offline to be synchronised later (`wandb sync`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isoflop.errors import MissingExtra, UsageError
from isoflop.experiments.tracking.tracker import TrackedRun


def connect(project: str, where: str, folder: Path) -> WandbRuns:
    """Return the project of W&B; `where` is "offline", or empty for its service."""
    if where not in ("", "offline"):
        raise UsageError(f"wandb:{where} is no place; say wandb, or wandb:offline")
    try:
        import wandb
    except ImportError:
        raise MissingExtra("sending trials to W&B", "wandb") from None
    return WandbRuns(wandb, project, where or None, folder)


class WandbRuns:
    """A project of W&B."""

    def __init__(self, wandb: Any, project: str, mode: str | None, folder: Path) -> None:
        self._wandb, self.project, self.mode, self.folder = wandb, project, mode, folder

    def send(self, run: TrackedRun) -> None:
        """Send a run whole; the one that is there under its key is replaced."""
        self.folder.mkdir(parents=True, exist_ok=True)
        session = self._wandb.init(
            project=self.project,
            id=run.key[:16],
            name=run.name,
            group=run.group,
            config=dict(run.config),
            mode=self.mode,
            dir=str(self.folder),
            reinit="create_new",
            settings={"silent": True, "console": "off", "disable_git": True},
        )
        for record in run.records:
            session.log(dict(record))
        session.summary.update(dict(run.summary))
        session.finish(exit_code=1 if run.crashed else 0)
