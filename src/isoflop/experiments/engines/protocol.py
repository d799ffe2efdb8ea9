"""What an engine is: it says how many trials may be under way, and starts them in their folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from isoflop.experiments.resources import Resources

LOST = -1000  # the code of a job that vanished with its machine: nobody saw it end
STOPPED, REQUEUE = 130, 75  # exit codes: stopped by a person; pre-empted, start it again

# One thread per trial, idle threads asleep, and no memory handed back to the system between two
# steps: page faults fell from 34,607 to 118 a step, which doubled the speed of small models.
ENVIRONMENT: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}


@dataclass(frozen=True, slots=True)
class EngineTask:
    """A trial to start: its name for people, its folder, and what it needs."""

    name: str
    folder: Path
    resources: Resources = field(default_factory=Resources)


class Job(Protocol):
    """A trial that was started."""

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs or waits; LOST if its machine went."""

    def cancel(self) -> None:
        """Ask it to stop, kill it after its grace, and return when it has ended."""


class Engine(Protocol):
    """Where trials run."""

    @property
    def slots(self) -> int:
        """How many trials may be started and not ended."""

    def start(self, tasks: Sequence[EngineTask]) -> Sequence[Job]:
        """Start `python -m isoflop.experiments.trial FOLDER` for every task.

        Raises EnvironmentFailure for resources that the engine does not have.
        """


def trial_command(task: EngineTask, device: str) -> list[str]:
    """Return the command that runs a trial."""
    module = [sys.executable, "-m", "isoflop.experiments.trial"]
    return [*module, str(task.folder.absolute()), "--device", device]


def trial_environment(resources: Resources) -> dict[str, str]:
    """Return what a trial's process finds in its environment beyond that of its machine."""
    path = os.pathsep.join(str(Path(p).absolute()) for p in sys.path)
    return {**ENVIRONMENT, "OMP_NUM_THREADS": str(resources.cpus), "PYTHONPATH": path}
