"""Runs written as event files of TensorBoard, a folder each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isoflop.errors import MissingExtra
from isoflop.experiments.tracking.tracker import TrackedRun


def connect(project: str, where: str, folder: Path) -> TensorboardRuns:
    """Return the folder of event files; `where` is another than the study's own."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("writing event files of TensorBoard", "tensorboard") from None
    return TensorboardRuns(SummaryWriter, Path(where) / project if where else folder)


class TensorboardRuns:
    """A folder of event files."""

    def __init__(self, writer: Any, folder: Path) -> None:
        self._writer, self.folder = writer, folder

    def send(self, run: TrackedRun) -> None:
        """Write a run whole; what an earlier try left is replaced."""
        folder = self.folder / run.key[:16]
        for old in folder.glob("*tfevents*"):
            old.unlink()
        writer = self._writer(str(folder))
        plain = {k: v for k, v in run.config.items() if isinstance(v, bool | int | float | str)}
        writer.add_hparams({**plain, "name": run.name}, dict(run.summary), run_name=".")
        for record in run.records:
            for name, value in record.items():
                if name != "step":
                    writer.add_scalar(name, value, int(record["step"]))
        writer.close()
