"""A trainer as a process: asked to stop by SIGTERM, given time for a checkpoint, never left alone.

The contract: {folder} is the trial's own and lasts over all its attempts; a trainer that finds a
checkpoint there goes on from it. Asked by SIGTERM it may write one and exits, with 75 to be
started again. It holds an inherited lock as long as it lives, so that no second attempt begins.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isoflop.errors import EnvironmentFailure
from isoflop.experiments import trial as trial_process
from isoflop.experiments.folder import OUTPUT, TRAINER_LOCK
from isoflop.files import file_locks, writing

LOOK = 0.1  # [s] between two looks at a trainer
REPORT = 1.0  # [s] between two looks at how far it is
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux


@dataclass(frozen=True, slots=True)
class Launch:
    """A trainer to start: its words, where it stands, what it finds in its environment."""

    words: Sequence[str]
    workdir: Path
    environment: Mapping[str, str]
    grace: float


def carry_out(launch: Launch, folder: Path, look: Callable[[], None]) -> int:
    """Run a trainer to its end and return its exit code, negative for a signal that ended it.

    What it prints is added to `output.txt` of the folder. `look` is called every second.
    Raises EnvironmentFailure where it cannot be started, or an earlier attempt still runs.
    """
    with _sole(folder, launch.grace) as lock, _appending(folder / OUTPUT) as output:
        process = _started(launch, lock, output)
        trial_process.ENDINGS.append(lambda code: _end(process, launch.grace, code))
        looked = time.monotonic()
        while (code := process.poll()) is None:
            time.sleep(LOOK)
            if time.monotonic() - looked >= REPORT:
                look()
                looked = time.monotonic()
        trial_process.ENDINGS.pop()
        return code


@contextlib.contextmanager
def _appending(path: Path) -> Iterator[int]:
    with writing(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        yield handle
    finally:
        os.close(handle)


def _started(launch: Launch, lock: int, output: int) -> subprocess.Popen[bytes]:
    inherited = {k: v for k, v in os.environ.items() if k != trial_process.PARENT}
    try:
        return subprocess.Popen(
            launch.words,
            cwd=launch.workdir,
            env={**inherited, **launch.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # one signal reaches it and all that it started
            pass_fds=(lock,),
            preexec_fn=_dying_with_parent(),
        )
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot start {launch.words[0]!r} in {launch.workdir}: {error.strerror or error}"
        ) from None


def _dying_with_parent() -> Callable[[], object] | None:
    """Return what makes a child of Linux get SIGTERM when this process is killed, or None."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None
    return lambda: library.prctl(DEATH_SIGNAL, signal.SIGTERM)


def _end(process: subprocess.Popen[bytes], grace: float, reason: int) -> int:
    """Ask a trainer and what it started to stop; kill what is left after `grace` [s].

    Returns REQUEUE for a trainer that wrote a checkpoint and wants to go on, LATE for one that
    ran out of time and did not, otherwise `reason`.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    code = process.poll()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if code == trial_process.REQUEUE:
        return trial_process.REQUEUE
    return trial_process.LATE if reason == trial_process.REQUEUE else reason


@contextlib.contextmanager
def _sole(folder: Path, patience: float) -> Iterator[int]:
    """Yield a lock that a trainer inherits, once no trainer of an earlier attempt has it."""
    fcntl = file_locks()

    with writing(folder):
        handle = os.open(folder / TRAINER_LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    deadline = time.monotonic() + max(patience, 1.0)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EnvironmentFailure(
                        f"the trainer of an earlier attempt still runs in {folder}; end it, or "
                        "wait until it has ended"
                    ) from None
                time.sleep(0.1)
        yield handle
    finally:
        os.close(handle)
