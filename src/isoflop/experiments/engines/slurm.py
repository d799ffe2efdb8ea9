"""Trials as jobs of SLURM: one array for those that need the same, requeued when pre-empted."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from isoflop.errors import BadStudy, EnvironmentFailure, MissingExtra
from isoflop.experiments.engines.protocol import (
    LOST,
    STOPPED,
    EngineTask,
    Job,
    trial_command,
    trial_environment,
)
from isoflop.experiments.folder import LOG
from isoflop.experiments.resources import Resources
from isoflop.files import parse_json, read_content, write_atomically
from isoflop.store import canonical

LOOK = 2.0  # [s] between two questions to SLURM, however many jobs there are
GONE = 10.0  # [s] that a job may be out of the queue before its result must be there
RECORD, OUTCOME, SCRIPTS = "slurm.json", "slurm-exit.json", "slurm"
DEFAULT_LIMIT = 24 * 60  # [min] of a job whose trial states none


@dataclass(frozen=True, slots=True)
class SlurmEngine:
    """Jobs of SLURM, at most `most` in its queue at once.

    `partition` and `account` are those of sbatch, `setup` shell lines that a job runs first
    (modules to load). The study's folder and this Python must be where the nodes see them.
    """

    most: int
    device: str = "cpu"
    partition: str | None = None
    account: str | None = None
    setup: tuple[str, ...] = ()
    queue: _SlurmQueue = field(default_factory=lambda: _SlurmQueue(), repr=False, compare=False)

    @property
    def slots(self) -> int:
        """How many trials are in SLURM's queue, or run, at once."""
        return self.most

    def start(self, tasks: Sequence[EngineTask]) -> list[Job]:
        """Submit trials; those whose job of an earlier call is still there are taken up again.

        Raises MissingExtra without submitit, EnvironmentFailure without a cluster or for what it
        refuses: a partition that is not there, more than a node has.
        """
        jobs: dict[Path, Job] = {}
        fresh = []
        for task in tasks:
            if (earlier := self._earlier(task)) is not None:
                jobs[task.folder] = earlier
            else:
                fresh.append(task)
        for resources, group in groupby(fresh, key=lambda task: task.resources):
            jobs |= self._submitted(resources, tuple(group))
        return [jobs[task.folder] for task in tasks]

    def _earlier(self, task: EngineTask) -> Job | None:
        """Return the job that another driver submitted for a trial, if SLURM still has it."""
        number = _field(task.folder / RECORD, "job")
        if number is None or (task.folder / OUTCOME).exists():
            return None
        if shutil.which("squeue") is None or number not in self.queue.alive((number,), fresh=True):
            return None
        return _SlurmJob(number, task.folder, self.queue)

    def _submitted(self, resources: Resources, tasks: tuple[EngineTask, ...]) -> dict[Path, Job]:
        """Submit trials that need the same as one array."""
        executor = self._executor(resources, tasks[0].folder.parent.parent / SCRIPTS)
        work = [
            _Work(
                tuple(trial_command(t, self._device(resources))),
                t.folder.absolute(),
                trial_environment(resources),
                resources.grace,
            )
            for t in tasks
        ]
        for task in tasks:
            (task.folder / OUTCOME).unlink(missing_ok=True)
        try:
            with executor.batch():
                handles = [executor.submit(each) for each in work]
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            raise EnvironmentFailure(_refusal(error, self.partition)) from None
        jobs: dict[Path, Job] = {}
        for task, handle in zip(tasks, handles, strict=True):
            _write(task.folder / RECORD, {"job": handle.job_id})
            jobs[task.folder] = _SlurmJob(handle.job_id, task.folder, self.queue)
        self.queue.submitted()
        return jobs

    def _device(self, resources: Resources) -> str:
        return "cuda" if resources.gpus and self.device == "cpu" else self.device

    def _executor(self, resources: Resources, scripts: Path) -> Any:
        try:
            import submitit
        except ImportError:
            raise MissingExtra("the engine slurm", "slurm") from None
        if shutil.which("sbatch") is None:
            raise EnvironmentFailure(
                "there is no sbatch on this machine; run this on a login node of a SLURM cluster, "
                "or take the engine local"
            )
        executor = submitit.SlurmExecutor(folder=scripts, max_num_timeout=1000)
        minutes = DEFAULT_LIMIT if resources.time_limit is None else resources.time_limit / 60
        settings: dict[str, Any] = {
            "job_name": "isoflop",
            "time": max(1, math.ceil(minutes)),
            "cpus_per_task": resources.cpus,
            "array_parallelism": min(self.most, 1000),
            "signal_delay_s": max(1, math.ceil(resources.grace)),
            "partition": self.partition,
            "account": self.account,
            "setup": list(self.setup) or None,
            "stderr_to_stdout": True,
            "use_srun": False,
        }
        if resources.gpus:
            settings["gpus_per_node"] = math.ceil(resources.gpus)
        if resources.memory is not None:
            settings["mem"] = f"{math.ceil(resources.memory / 1e6)}M"
        executor.update_parameters(**{k: v for k, v in settings.items() if v is not None})
        return executor


def _field(path: Path, name: str) -> str | None:
    """Return a field of a small file of a trial's folder, or None where it is not there, whole."""
    try:
        return str(parse_json(read_content(path, BadStudy))[name])
    except (BadStudy, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, document: Mapping[str, str | int]) -> None:
    text = canonical(document)
    write_atomically(path, lambda f: f.write(text.encode()))


def _refusal(error: Exception, partition: str | None) -> str:
    """Return what SLURM refused, in its own last words."""
    lines = [line for line in str(error).splitlines() if "error:" in line.lower()]
    reason = (lines or str(error).strip().splitlines() or ["no reason given"])[-1].strip()
    where = f" in the partition {partition!r}" if partition else ""
    return f"SLURM took no job{where}: {reason[:300]}; see what there is with sinfo"


class _SlurmQueue:
    """What SLURM says of all jobs, asked once for all of them."""

    def __init__(self) -> None:
        self._asked = 0.0
        self._alive: frozenset[str] = frozenset()

    def submitted(self) -> None:
        """Ask anew at the next look."""
        self._asked = 0.0

    def alive(self, numbers: Sequence[str], fresh: bool = False) -> frozenset[str]:
        """Return which jobs wait, run or end at this moment."""
        if fresh or time.monotonic() - self._asked > LOOK:
            listed = subprocess.run(
                ["squeue", "--noheader", "--array", "--me", "--format=%i"],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            self._asked = time.monotonic()
            if listed.returncode:  # the controller is away; nothing is known, so nothing is lost
                return frozenset(numbers)
            self._alive = frozenset(listed.stdout.split())
        return self._alive


@dataclass(slots=True)
class _SlurmJob:
    """A job of SLURM, one of an array."""

    number: str
    folder: Path
    queue: _SlurmQueue
    missed: float | None = None  # when it was first out of the queue

    def poll(self) -> int | None:
        if (code := _field(self.folder / OUTCOME, "code")) is not None:
            return int(code)
        if self.number in self.queue.alive((self.number,)):
            self.missed = None
            return None
        # Files of another machine may show late.
        self.missed = self.missed or time.monotonic()
        return LOST if time.monotonic() - self.missed > GONE else None

    def cancel(self) -> None:
        subprocess.run(["scancel", self.number], capture_output=True, check=False, timeout=60)


@dataclass(slots=True)
class _Work:
    """What a job does: run its trial, and pass on that SLURM wants the node back."""

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    grace: float
    process: Any = None

    def __call__(self) -> int:
        """Run the trial, and leave its exit code where the driver finds it."""
        settings = {**os.environ, **self.environment, "ISOFLOP_PARENT": str(os.getpid())}
        signal.signal(signal.SIGTERM, self._stop)
        with (self.folder / LOG).open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        code = int(self.process.wait())
        _write(self.folder / OUTCOME, {"code": code})
        return code

    def checkpoint(self) -> Any:
        """Stop the trial, which keeps its checkpoint, and ask to be queued again."""
        import submitit

        self._end()
        again = _Work(self.command, self.folder, self.environment, self.grace)
        return submitit.helpers.DelayedSubmission(again)

    def _stop(self, signum: int, frame: object) -> None:
        self._end()
        sys.exit(STOPPED)

    def _end(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.grace + 1.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
