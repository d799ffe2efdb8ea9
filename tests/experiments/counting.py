"""An experiment without torch: it counts, slowly, and writes down every start of every trial."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from isoflop.errors import EnvironmentFailure
from isoflop.experiments.experiment import Experiment, Trial, TrialFolder
from isoflop.store import JSON


@dataclass(frozen=True)
class Counting(Experiment):
    """Trials that count to each of `sizes`; those in `broken` fail in the way that is named."""

    key = "counting"
    fills = ("N", "D", "L")
    conventions = MappingProxyType({"N": "total"})

    sizes: tuple[int, ...] = (10, 20, 30)
    pause: float = 0.0
    broken: Mapping[int, str] | None = None

    def trials(self) -> tuple[Trial, ...]:
        """Return one trial per size."""
        broken = self.broken or {}
        return tuple(
            self.trial(
                {"size": size, "pause": self.pause, "broken": broken.get(size, "")},
                seed=0,
                flop=float(size),
                label=f"count to {size}",
            )
            for size in self.sizes
        )

    @staticmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Count, from the checkpoint on, saving one at every fifth step."""
        size, pause = int(trial.config["size"]), float(trial.config["pause"])
        first = int(folder.checkpoint.read_text()) if folder.checkpoint else 0
        note(folder, f"{os.getpid()} {first}")
        if trial.config["broken"] == "environment":
            raise EnvironmentFailure("the moon is missing")
        for step in range(first + 1, size + 1):
            time.sleep(pause)
            folder.append({"step": step, "L": 1 / step})
            folder.progress(step / size)
            if step % 5 == 0:
                folder.save_checkpoint(lambda f, step=step: f.write(str(step).encode()))
            if step == 7 and trial.config["broken"] == "always":
                raise ValueError("seven is unlucky")
        if trial.config["broken"] == "unfilled":
            return {"observations": [{"N": 1.0}], "provenance": {"seconds": 0.0}}
        row = {
            "N": size,
            "D": 2.0 * size,
            "L": 1 / size,
            "run": trial.name,
            "family": "c",
            "seed": 0,
        }
        return {"observations": [row], "provenance": {"seconds": pause * size, "data": "none"}}


def note(folder: TrialFolder, text: str) -> None:
    """Add a line to what a trial's starts leave behind."""
    with (folder.path / "starts.txt").open("a") as file:
        file.write(text + "\n")


def starts(path: Path) -> list[tuple[int, int]]:
    """Return the process and the first step of every start of a trial."""
    file = path / "starts.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(pid), int(first)) for pid, first in (line.split() for line in lines)]
