"""Run the trials of a sweep: one queue for every engine.

What is finished, what is tried again and when, what is ingested and when to give up is the same
wherever trials run, and stands here.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from isoflop.errors import Diverged, EnvironmentFailure, UsageError
from isoflop.experiments.collect import KIND, collect, ingest
from isoflop.experiments.engines.local import LocalEngine
from isoflop.experiments.engines.protocol import LOST, REQUEUE, Engine, EngineTask, Job
from isoflop.experiments.experiment import Experiment, Trial
from isoflop.experiments.folder import CANCEL, DIVERGED, ERROR, LOG, TrialFolder
from isoflop.experiments.trial import prepare
from isoflop.files import write_atomically
from isoflop.store import Study

POLL = 0.1  # [s] between two looks at the running trials
ATTEMPTS = 2  # a trial that fails is tried once more
BACKOFF = 0.5  # [s] before the second attempt, doubled for each one after
LONGEST_WAIT = 300.0  # [s] between two attempts
MOST_RESTARTS = 100  # of a trial that is pre-empted, or whose machine goes, without end
MOST_KILLS = 5  # of a trial, before it is held to need more memory than there is
ALIKE = 3  # trials that fail for one reason, and none that finishes, before the sweep stops


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """How far a sweep is; `done` and `total` [FLOP], `seconds` since it began, `eta` [s] to go.

    `died` counts the attempts that failed and were, or will be, made again.
    """

    done: float
    total: float
    seconds: float
    eta: float | None
    finished: int
    running: tuple[str, ...]
    waiting: int
    failed: int
    died: int = 0


@dataclass(frozen=True, slots=True)
class TrialFailure:
    """A trial that gave no result: the last exit code, and the end of what it printed."""

    trial: Trial
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """How a sweep ended: every trial is finished (of which `reused` were before), or why not.

    `diverged` trials have a loss that is no number: trying them again would not help.
    """

    finished: tuple[Trial, ...]
    reused: int
    failed: tuple[TrialFailure, ...]
    seconds: float
    diverged: tuple[TrialFailure, ...] = ()
    cancelled: tuple[Trial, ...] = ()


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
    Raises EnvironmentFailure if another process drives the study, where a trial fails twice
    for a reason that all would share (a missing extra, a full disk), or where several fail alike
    and none finishes.
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
    experiments = Experiment.registry
    fixed = {
        t.experiment
        for t in trials
        if t.experiment in experiments and experiments[t.experiment].cpu_only
    }
    if fixed and device != "cpu":
        raise UsageError(f"device is {device!r}; trials of {min(fixed)} run on the cpu alone")


@dataclass(slots=True)
class _History:
    """What became of the attempts at one trial, and when the next may begin (monotonic [s])."""

    failures: int = 0
    restarts: int = 0
    ready: float = 0.0

    def wait(self, times: int) -> None:
        self.ready = time.monotonic() + min(BACKOFF * 2.0 ** (times - 1), LONGEST_WAIT)


@dataclass(slots=True)
class _Running:
    """A trial that still runs though the driver that started it is gone."""

    folder: TrialFolder

    def poll(self) -> int | None:
        return None if self.folder.is_running else LOST

    def cancel(self) -> None:
        """Leave it: who started it has gone, and it ends by itself."""


@dataclass(slots=True)
class _Breaker:
    """Stops a sweep whose trials all fail for one reason."""

    reasons: dict[str, set[str]] = field(default_factory=dict)

    def count(self, trial: Trial, code: int, message: str) -> None:
        """Take in a failed attempt.

        Raises EnvironmentFailure from the third trial on that fails like the others.
        """
        last = message.strip().splitlines()[-1] if message.strip() else ""
        reason = f"{code}: {re.sub(r'[0-9.]+', '#', last)}"
        alike = self.reasons.setdefault(reason, set())
        alike.add(trial.key)
        if len(alike) >= ALIKE and len(self.reasons) == 1:
            raise EnvironmentFailure(
                f"{len(alike)} trials failed alike and none has finished, so the sweep is stopped; "
                f"the last was {trial.name}: {last or f'exit code {code}'}"
            )

    def close(self) -> None:
        """Forget the failures: a trial finished, so they do not fail for one reason."""
        self.reasons.clear()
        self.reasons["a trial finished"] = set()


class _Queue:
    """The trials of one call of `run`, and where each of them stands."""

    def __init__(self, trials: tuple[Trial, ...], study: Study) -> None:
        self.study = study
        self.trials = {trial.key: trial for trial in trials}
        for trial in trials:
            _refuse_foreign(trial)
        self.finished = {document.name for document in study.documents(KIND)} & set(self.trials)
        self.reused = len(self.finished)
        self.diverged = _diverged(study, self.trials)
        self.cancelled: set[str] = set()
        unfinished = [t for t in trials if t.key not in self.finished | set(self.diverged)]
        self.waiting = [t.key for t in sorted(unfinished, key=lambda t: -t.flop)]
        self.running: dict[str, Job] = {}
        self.history = {key: _History() for key in self.trials}
        self.failed: list[TrialFailure] = []
        self.breaker = _Breaker()
        self.parts = {key: self.folder(key).done for key in self.waiting}
        self.began = time.monotonic()
        self.done_before = self.done()

    def folder(self, key: str) -> TrialFolder:
        """Return the folder of a trial."""
        return TrialFolder(self.study.trials / key)

    def fill(self, engine: Engine) -> None:
        """Start waiting trials while there are free slots."""
        self._drop_cancelled()
        free, now = engine.slots - len(self.running), time.monotonic()
        keys = [key for key in self.waiting if self.history[key].ready <= now][: max(free, 0)]
        fresh = []
        for key in keys:
            if self.folder(key).is_running:
                self.running[key] = _Running(self.folder(key))
                self.waiting.remove(key)
            else:
                fresh.append(key)
        tasks = []
        for key in fresh:
            trial, folder = self.trials[key], self.folder(key)
            prepare(trial, folder)
            tasks.append(EngineTask(trial.name, folder.path, trial.resources))
        for key, job in zip(fresh, engine.start(tasks) if tasks else (), strict=False):
            self.running[key] = job
            self.waiting.remove(key)

    def _drop_cancelled(self) -> None:
        """Stop and leave out what somebody cancelled meanwhile."""
        for key in (*self.waiting, *self.running):
            if (self.study.trials / key / CANCEL).exists():
                self.cancelled.add(key)
                if key in self.running:
                    self.running.pop(key).cancel()
                else:
                    self.waiting.remove(key)

    def reap(self) -> None:
        """Take in the trials that have ended."""
        ended = [
            (key, code) for key, job in self.running.items() if (code := job.poll()) is not None
        ]
        for key, code in ended:
            del self.running[key]
            if ingest(self.study, key):
                self.finished.add(key)
                self.breaker.close()
            elif code in (LOST, REQUEUE):
                self._restart(key, code, MOST_RESTARTS)
            elif code == -signal.SIGKILL:  # by somebody, or for want of memory; not by itself
                self._restart(key, code, MOST_KILLS)
            else:
                self._fail(key, code)

    def _restart(self, key: str, code: int, most: int) -> None:
        """Put a trial back that was pre-empted, or whose machine is gone: it did nothing wrong."""
        history = self.history[key]
        history.restarts += 1
        if history.restarts > most:
            self.failed.append(TrialFailure(self.trials[key], code, self._message(key, code)))
            return
        history.wait(min(history.restarts, 5))
        self.waiting.insert(0, key)

    def _fail(self, key: str, code: int) -> None:
        """Put a failed trial back in front, or give it up."""
        trial, message = self.trials[key], self._message(key, code)
        if code == Diverged.exit_code:
            self.diverged[key] = TrialFailure(trial, code, message)
            path = self.folder(key).path / DIVERGED
            write_atomically(path, lambda f: f.write(message.encode()))
            return
        history = self.history[key]
        history.failures += 1
        if history.failures < ATTEMPTS:
            self.breaker.count(trial, code, message)
            history.wait(history.failures)
            self.waiting.insert(0, key)
            return
        if code == EnvironmentFailure.exit_code:
            raise EnvironmentFailure(f"the trial {trial.name} failed: {message}")
        self.failed.append(TrialFailure(trial, code, message))

    def _message(self, key: str, code: int) -> str:
        if code == LOST:
            return "its machine, or the job that it was, has gone"
        return _tail(self.folder(key))

    def done(self) -> float:
        """Return the work that is done, counting parts of trials [FLOP]."""
        whole = sum(self.trials[key].flop for key in self.finished)
        self.parts.update({key: self.folder(key).done for key in self.running})
        parts = (*self.running, *self.waiting)
        return whole + sum(self.trials[key].flop * self.parts.get(key, 0.0) for key in parts)

    def progress(self) -> SweepProgress:
        """Return how far the sweep is, with the time to go at the rate since it began."""
        seconds = time.monotonic() - self.began
        left_out = {failure.trial.key for failure in self.failed} | set(self.diverged)
        left_out |= self.cancelled
        total = sum(t.flop for key, t in self.trials.items() if key not in left_out)
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
            failed=len(self.failed) + len(self.diverged),
            died=sum(h.failures + h.restarts for h in self.history.values()),
        )

    def outcome(self) -> Sweep:
        """Return how it ended, with the trials in the order in which they were given."""
        return Sweep(
            finished=tuple(t for key, t in self.trials.items() if key in self.finished),
            reused=self.reused,
            failed=tuple(self.failed),
            seconds=time.monotonic() - self.began,
            diverged=tuple(self.diverged.values()),
            cancelled=tuple(t for key, t in self.trials.items() if key in self.cancelled),
        )


def _diverged(study: Study, trials: dict[str, Trial]) -> dict[str, TrialFailure]:
    """Return the trials of which an earlier call found that they diverge."""
    code = Diverged.exit_code
    return {
        key: TrialFailure(trial, code, _end_of(study.trials / key / DIVERGED))
        for key, trial in trials.items()
        if (study.trials / key / DIVERGED).exists()
    }


def _refuse_foreign(trial: Trial) -> None:
    """Refuse a trial that no process could run."""
    experiment = Experiment.registry.get(trial.experiment)
    if experiment is None or experiment.version != trial.version or not trial.flop > 0:
        raise UsageError(
            f"the trial {trial.name} is of {trial.experiment!r} version {trial.version} at "
            f"{trial.flop:g} FLOP; make trials with Experiment.trial, at a cost above zero"
        )


def _tail(folder: TrialFolder, lines: int = 8) -> str:
    """Return the end of what a failed trial printed."""
    for name in (ERROR, LOG):
        if text := _end_of(folder.path / name):
            return "\n".join(text.splitlines()[-lines:])
    return "it printed nothing; it was killed, perhaps for want of memory"


def _end_of(path: Path, most: int = 16_384) -> str:
    """Return the last bytes of a file as text; a log of any length is read in no time."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - most))
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
