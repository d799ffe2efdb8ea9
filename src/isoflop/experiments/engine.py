"""Run the trials of a sweep: one queue for every engine, and the engine of this machine.

An engine says how many trials may run at once and starts one in its folder; Ray and SLURM are
two more classes of that shape. Everything else (what is finished, what is retried, what is
ingested) is the same for all and lives in `run`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.experiments.collect import KIND, collect, ingest
from isoflop.experiments.device import refuse_device
from isoflop.experiments.experiment import Experiment, Trial
from isoflop.experiments.folder import ERROR, LOG, TrialFolder
from isoflop.experiments.trial import PARENT, prepare
from isoflop.quantities import refuse_count
from isoflop.store import Study, writing

MOST_WORKERS = 1024  # processes at once; no machine has so many cores
POLL = 0.1  # [s] between two looks at the running trials
ATTEMPTS = 2  # a trial that fails is tried once more
GRACE = 3.0  # [s] between asking a trial to stop and killing it

# One thread per trial, idle threads asleep, and no memory handed back to the system between two
# steps: page faults fell from 34,607 to 118 a step, which doubled the speed of small models.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}


class Job(Protocol):
    """A trial that was started."""

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs or waits."""

    def cancel(self) -> None:
        """End it, and return when it has ended."""


class Engine(Protocol):
    """Where trials run."""

    @property
    def slots(self) -> int:
        """How many trials may be started and not ended."""

    def start(self, folder: Path) -> Job:
        """Start `python -m isoflop.experiments.trial FOLDER`."""


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """How far a sweep is; `done` and `total` [FLOP], `seconds` since it began, `eta` [s] to go."""

    done: float
    total: float
    seconds: float
    eta: float | None
    finished: int
    running: tuple[str, ...]
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that failed twice: its last exit code and the end of what it said."""

    trial: Trial
    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """How a sweep ended: every trial is finished (of which `reused` were before) or failed."""

    finished: tuple[Trial, ...]
    reused: int
    failed: tuple[Failure, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Trials as processes of this machine, as many at once as it has cores."""

    workers: int = field(default_factory=lambda: cores())
    device: str = "cpu"

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

    def start(self, folder: Path) -> Job:
        """Start a trial, which ends with this process, however that ends."""
        environment = {**os.environ, **ENVIRONMENT, PARENT: str(os.getpid())}
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(p).absolute()) for p in sys.path)
        command = [sys.executable, "-m", "isoflop.experiments.trial"]
        with writing(folder), (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [*command, str(folder.absolute()), "--device", self.device],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C goes to the driver, which ends its trials itself
            )
        return _Process(process)


@dataclass(frozen=True, slots=True)
class _Process:
    """A trial that runs as a process of this machine."""

    process: subprocess.Popen[bytes]

    def poll(self) -> int | None:
        return self.process.poll()

    def cancel(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    trials: Iterable[Trial],
    study: Study,
    engine: Engine | None = None,
    watch: Callable[[SweepProgress], None] = lambda progress: None,
) -> Sweep:
    """Run what is unfinished of `trials`, the costliest first, and ingest what finishes.

    A finished trial is not run again and a killed one resumes from its checkpoint, so an
    interrupted call is simply repeated. A trial that fails is tried once more, then reported,
    while the others go on. `watch` is called several times a second.
    Raises EnvironmentFailure if another process drives the study, or where a trial fails twice
    for a reason that all would share: a missing extra, a full disk.
    """
    engine = engine or LocalEngine()
    trials = tuple(trials)
    _refuse_elsewhere(trials, getattr(engine, "device", "cpu"))
    with study.driving():
        collect(study)
        queue = _Queue(tuple({t.key: t for t in trials}.values()), study)
        try:
            while queue.waiting or queue.running:
                queue.fill(engine)
                watch(queue.progress())
                time.sleep(POLL)
                queue.reap()
        finally:
            for job in queue.running.values():
                job.cancel()
        watch(queue.progress())
        return queue.outcome()


def _refuse_elsewhere(trials: tuple[Trial, ...], device: str) -> None:
    """Refuse an accelerator for trials that run on the processor alone."""
    known = Experiment.registry
    fixed = {t.experiment for t in trials if t.experiment in known and known[t.experiment].cpu_only}
    if fixed and device != "cpu":
        raise UsageError(f"device is {device!r}; trials of {min(fixed)} run on the cpu alone")


class _Queue:
    """The trials of one call of `run`, and where each of them stands."""

    def __init__(self, trials: tuple[Trial, ...], study: Study) -> None:
        self.study = study
        self.trials = {trial.key: trial for trial in trials}
        for trial in trials:
            _refuse_foreign(trial)
        self.finished = {document.name for document in study.documents(KIND)} & set(self.trials)
        self.reused = len(self.finished)
        unfinished = [t for t in trials if t.key not in self.finished]
        self.waiting = [t.key for t in sorted(unfinished, key=lambda t: -t.flop)]
        self.running: dict[str, Job] = {}
        self.attempts = dict.fromkeys(self.trials, 0)
        self.failed: list[Failure] = []
        self.parts = {key: self.folder(key).done for key in self.waiting}
        self.began = time.monotonic()
        self.done_before = self.done()

    def folder(self, key: str) -> TrialFolder:
        """Return the folder of a trial."""
        return TrialFolder(self.study.trials / key)

    def fill(self, engine: Engine) -> None:
        """Start waiting trials while there are free slots."""
        while self.waiting and len(self.running) < engine.slots:
            key = self.waiting.pop(0)
            folder = self.folder(key)
            prepare(self.trials[key], folder)
            self.running[key] = engine.start(folder.path)

    def reap(self) -> None:
        """Take in the trials that have ended."""
        ended = [
            (key, code) for key, job in self.running.items() if (code := job.poll()) is not None
        ]
        for key, code in ended:
            del self.running[key]
            if ingest(self.study, key):
                self.finished.add(key)
            else:
                self._fail(key, code)

    def _fail(self, key: str, code: int) -> None:
        """Put a failed trial back in front, or give it up."""
        self.attempts[key] += 1
        if self.attempts[key] < ATTEMPTS:
            self.waiting.insert(0, key)
            return
        failure = Failure(self.trials[key], code, _tail(self.folder(key)))
        if code == EnvironmentFailure.exit_code:
            raise EnvironmentFailure(f"the trial {failure.trial.name} failed: {failure.said}")
        self.failed.append(failure)

    def done(self) -> float:
        """Return the work that is done, counting parts of trials [FLOP]."""
        whole = sum(self.trials[key].flop for key in self.finished)
        self.parts.update({key: self.folder(key).done for key in self.running})
        parts = (*self.running, *self.waiting)
        return whole + sum(self.trials[key].flop * self.parts[key] for key in parts)

    def progress(self) -> SweepProgress:
        """Return how far the sweep is, with the time to go at the rate since it began."""
        seconds = time.monotonic() - self.began
        given_up = {failure.trial.key for failure in self.failed}
        total = sum(t.flop for key, t in self.trials.items() if key not in given_up)
        done = self.done()
        since = done - self.done_before
        return SweepProgress(
            done=done,
            total=total,
            seconds=seconds,
            eta=seconds * (total - done) / since if since > 0 else None,
            finished=len(self.finished),
            running=tuple(self.trials[key].name for key in self.running),
            waiting=len(self.waiting),
            failed=len(self.failed),
        )

    def outcome(self) -> Sweep:
        """Return how it ended, with the trials in the order in which they were given."""
        finished = tuple(t for key, t in self.trials.items() if key in self.finished)
        seconds = time.monotonic() - self.began
        return Sweep(finished, self.reused, tuple(self.failed), seconds)


def _refuse_foreign(trial: Trial) -> None:
    """Refuse a trial that no process could run."""
    experiment = Experiment.registry.get(trial.experiment)
    if experiment is None or experiment.version != trial.version or not trial.flop > 0:
        raise UsageError(
            f"the trial {trial.name} is of {trial.experiment!r} version {trial.version} at "
            f"{trial.flop:g} FLOP; make trials with Experiment.trial, at a cost above zero"
        )


def _tail(folder: TrialFolder, lines: int = 8) -> str:
    """Return the end of what a failed trial said."""
    for name in (ERROR, LOG):
        path = folder.path / name
        if path.exists() and (text := path.read_text(errors="replace").strip()):
            return "\n".join(text.splitlines()[-lines:])
    return "it said nothing; it was killed, perhaps for want of memory"
