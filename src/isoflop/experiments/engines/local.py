"""Trials as processes of this machine."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.experiments.device import refuse_device
from isoflop.experiments.engines.protocol import EngineTask, Job, trial_command, trial_environment
from isoflop.experiments.folder import LOG
from isoflop.experiments.trial import PARENT
from isoflop.files import writing
from isoflop.quantities import refuse_count

MOST_WORKERS = 1024  # processes at once; no machine has so many cores
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Trials as processes of this machine, as many at once as it has cores.

    A trial that needs GPUs sees its own alone; several share one where each needs a part of it.
    """

    workers: int = field(default_factory=lambda: cores())
    device: str = "cpu"
    load: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse an engine that would never start anything."""
        if self.workers < 1:
            raise UsageError(f"workers is {self.workers}; at least 1 is needed")
        refuse_count("workers", self.workers, 1, MOST_WORKERS)
        refuse_device(self.device)

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        return self.workers

    def start(self, tasks: Sequence[EngineTask]) -> list[Job]:
        """Start trials, each of which ends with this process, however that ends.

        Those that no free GPU is left for are not among the jobs that are returned, which are
        those of the first tasks.
        """
        jobs: list[Job] = []
        for task in tasks:
            devices = self._devices(task)
            if devices is None:
                break
            jobs.append(self._start(task, devices))
        return jobs

    def _start(self, task: EngineTask, devices: tuple[str, ...]) -> Job:
        environment = {**os.environ, **trial_environment(task.resources)}
        environment[PARENT] = str(os.getpid())
        if devices:
            environment[VISIBLE] = ",".join(devices)
        device = "cuda" if devices and self.device == "cpu" else self.device
        with writing(task.folder), (task.folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                trial_command(task, device),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C goes to the driver, which ends its trials itself
            )
        share = min(task.resources.gpus, 1.0)
        return _Process(process, task.resources.grace, self.load, devices, share)

    def _devices(self, task: EngineTask) -> tuple[str, ...] | None:
        """Return the GPUs that a task is given, and count them; None where none is free."""
        needed = task.resources.gpus
        if not needed:
            return ()
        present = gpus()
        if needed > len(present):
            has = f"{len(present)} GPUs" if present else "no GPU"
            raise EnvironmentFailure(
                f"the trial {task.name} needs {needed:g} GPUs and this machine has {has}; "
                "lower gpus, or use the engine slurm or ray"
            )
        share, count = min(needed, 1.0), max(1, int(needed))
        # The fullest that still has room, so that shares of one GPU leave others whole.
        order = sorted(present, key=lambda name: -self.load.get(name, 0.0))
        free = [name for name in order if self.load.get(name, 0.0) + share <= 1 + 1e-9][:count]
        if len(free) < count:
            return None
        self.load.update({name: self.load.get(name, 0.0) + share for name in free})
        return tuple(free)


@dataclass(slots=True)
class _Process:
    """A trial that runs as a process of this machine, and the GPUs that it holds."""

    process: subprocess.Popen[bytes]
    grace: float
    load: dict[str, float]
    devices: tuple[str, ...]
    share: float

    def poll(self) -> int | None:
        code = self.process.poll()
        if code is not None:
            self._release()
        return code

    def cancel(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(self.grace + 1.0)  # the trial itself kills a trainer after `grace`
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._release()

    def _release(self) -> None:
        for name in self.devices:
            self.load[name] -= self.share
        self.devices = ()


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def gpus() -> tuple[str, ...]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if (visible := os.environ.get(VISIBLE)) is not None:
        return tuple(name for name in visible.split(",") if name.strip() not in ("", "-1"))
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in listed.stdout.splitlines() if line.strip())
