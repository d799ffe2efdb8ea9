"""Who writes a study: a lock that names its holder, and that the system frees when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.files import file_locks, parse_json, writing
from isoflop.store.files import now


class Lock:
    """A lock on a file, freed by the system when its holder dies; the file says who holds it.

    The driver holds it alone. Single writes share it: among them SQLite decides.
    """

    def __init__(self, path: Path, patience: float = 2.0) -> None:
        self.path = path
        self.patience = patience  # [s] that the one who wants to hold it alone waits
        self.held = False

    @property
    def is_taken(self) -> bool:
        """Whether somebody else holds the lock alone, at this moment."""
        fcntl = file_locks()

        try:
            handle = os.open(self.path, os.O_RDONLY)
        except OSError:  # a lock that nobody ever took has no file
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock alone, and write down who does."""
        if self.held:
            raise UsageError(f"{self.path.parent} is already driven from here")
        with self._locked(alone=True) as handle:
            self.held = True
            try:
                who = {"pid": os.getpid(), "host": socket.gethostname(), "since": now()}
                with writing(self.path):
                    _overwrite(handle, json.dumps(who))
                yield
            finally:
                self.held = False
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, 0)

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Keep a driver away during one write; free for whoever drives already."""
        if self.held:
            yield
            return
        with self._locked(alone=False):
            yield

    @contextlib.contextmanager
    def _locked(self, alone: bool) -> Iterator[int]:
        fcntl = file_locks()

        with writing(self.path):
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        mode = (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB
        deadline = time.monotonic() + (
            self.patience if alone else 0.5
        )  # single writes take milliseconds
        try:
            while True:
                try:
                    fcntl.flock(handle, mode)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise EnvironmentFailure(self._refusal(handle)) from None
                    time.sleep(0.02)
            yield handle
        finally:
            os.close(handle)

    def _refusal(self, handle: int) -> str:
        """Return the sentence that names who holds the study."""
        try:
            who = parse_json(os.pread(handle, 4096, 0))
            holder = f"process {who['pid']} on {who['host']}, since {who['since']}"
        except (ValueError, KeyError, TypeError):
            holder = "another process"
        return (
            f"{self.path.parent} is being written by {holder}; "
            "wait for it, or stop it and run this again"
        )


def _overwrite(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)
