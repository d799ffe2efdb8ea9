"""Calls of the program in a process of its own, watched for time and memory."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CODES = (0, 1, 2, 3, 4)  # 130 is an interruption, and nobody interrupts
SECONDS = 20.0  # of the processor: how long the machine is busy with others is no fault
PATIENCE = 120.0  # seconds by the clock after which a call is stuck
MEMORY = 1e9  # [bytes] above what the process held before


@dataclasses.dataclass(frozen=True)
class Answer:
    """How the program answered: `fault` says what is wrong with it, empty if nothing is."""

    code: int
    out: str
    err: str
    seconds: float
    memory: float
    fault: str

    @property
    def tail(self) -> str:
        """The end of what was said."""
        return (self.err or self.out).strip()[-500:]


class Caller:
    """A process that answers calls one after the other, begun anew when one gets stuck."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> Caller:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def __call__(self, words: Sequence[str]) -> Answer:
        """Return the answer to a call."""
        self._pipe.send(tuple(words))
        try:
            if self._pipe.poll(PATIENCE):
                answer: Answer = self._pipe.recv()
                return answer
            fault = f"no answer in {PATIENCE:g} s"
        except EOFError:
            fault = "the process died"
        self._end()
        self._begin()
        return Answer(-1, "", "", PATIENCE, 0.0, fault)

    def _begin(self) -> None:
        self._pipe, end = self._context.Pipe()
        self._process = self._context.Process(target=_answer, args=(end, self.folder), daemon=True)
        self._process.start()
        end.close()

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _answer(pipe: Connection, folder: Path) -> None:
    """Answer calls until there are no more."""
    import torch  # noqa: F401  (so that no call pays for it)

    from isoflop import cli

    os.chdir(folder)
    os.environ |= {"HOME": str(folder), "TMPDIR": str(folder)}
    signal.signal(signal.SIGPROF, _too_slow)
    while True:
        try:
            words = pipe.recv()
        except EOFError:
            return
        pipe.send(_called(cli.main, words))


def _too_slow(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _called(main: Any, words: Sequence[str]) -> Answer:
    out, err = io.StringIO(), io.StringIO()
    before, begin = _resident(), resource.getrusage(resource.RUSAGE_SELF)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(words))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    end = resource.getrusage(resource.RUSAGE_SELF)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    memory = _peak() - before
    fault = _fault(code, out.getvalue(), err.getvalue(), seconds, memory, "--json" in words)
    return Answer(code, out.getvalue(), err.getvalue(), seconds, memory, fault)


def _fault(code: int, out: str, err: str, seconds: float, memory: float, as_json: bool) -> str:
    """Return what is wrong with an answer."""
    faults = {
        f"{seconds:.0f} s of the processor": seconds > SECONDS,
        f"{memory / 1e9:.1f} GB": memory > MEMORY,
        f"exit code {code}": code not in CODES,
        "a traceback": "Traceback (most recent" in out + err,
        "a warning of a library": "Warning:" in err,
        "no sentence": bool(code) and not (err.strip() or out.strip()),
        "no JSON": code == 0 and as_json and not _is_json(out),
    }
    return ", ".join(name for name, wrong in faults.items() if wrong)


def _is_json(text: str) -> bool:
    """Return whether a text is JSON, or the help that was asked for."""
    try:
        json.loads(text, parse_constant=lambda name: json.loads("/"))
    except ValueError:
        return text.lstrip().startswith("Usage:")
    return True


def _resident() -> float:
    """Return the memory that this process holds [bytes], its peak set back to it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    """Return the most memory that this process has held [bytes]."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024.0 * next(float(x.split()[1]) for x in lines if x.startswith("VmHWM"))
    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
