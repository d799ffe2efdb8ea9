"""Results by key: each is computed once, however many browsers ask for it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

KEPT = 200  # results


class Pending(Exception):
    """A result is not there yet; its computation goes on."""


class Computations:
    """Results that are there, and those under way, of which the long ones wait for each other."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: OrderedDict[str, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._long = threading.Semaphore(max(1, (os.cpu_count() or 1) - 1))

    def result(
        self, key: str, compute: Callable[[], Any], patience: float | None, long: bool = False
    ) -> Any:
        """Return the result of a key, computed in a thread of its own unless it is known.

        What takes `long` leaves a processor to the rest.

        Raises what `compute` raises, and Pending after `patience` [s]; None waits to the end.
        """
        future, new = self._future(key)
        if new:
            call = (key, future, compute, long)
            # No computation keeps the process from ending.
            threading.Thread(target=self._run, args=call, daemon=True).start()
        try:
            return future.result(patience)
        except TimeoutError:
            raise Pending from None

    def part(self, key: str, compute: Callable[[], Any]) -> Any:
        """Return a result that a computation needs, computed in its thread unless it is known."""
        future, new = self._future(key)
        if new:
            self._run(key, future, compute, False)
        return future.result()

    def _future(self, key: str) -> tuple[Future[Any], bool]:
        """Return what will hold the result of a key, and whether nothing computes it yet."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key], False
            future = self._known[key] = Future()
            done = [k for k, f in self._known.items() if f.done()]
            for old in done[: max(0, len(self._known) - KEPT)]:
                del self._known[old]
            return future, True

    def _run(self, key: str, future: Future[Any], compute: Callable[[], Any], long: bool) -> None:
        """Compute a result; a failure is told to all who wait for it, and tried anew later."""
        try:
            with self._long if long else contextlib.nullcontext():
                result = compute()
        except BaseException as reason:
            with self._lock:
                self._known.pop(key, None)
            future.set_exception(reason)
        else:
            future.set_result(result)
