"""How far long work is, on stderr, once it has taken more than two seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PATIENCE = 2.0  # [s] without a word


@dataclass
class Progress:
    """How much is `done` of a `total`, and when the work began [s]."""

    done: float = 0.0
    total: float = 0.0
    began: float = field(default_factory=time.monotonic)

    @property
    def words(self) -> str:
        """The time to go."""
        from isoflop.experiments.display import duration

        if not 0 < self.done < self.total:
            return ""
        seconds = (time.monotonic() - self.began) * (self.total / self.done - 1)
        return f"{duration(seconds)} to go"


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[float, float], None]]:
    """Yield what is called with how much is done, and of how much: it draws a bar on a terminal."""
    state, draw = Progress(), None
    with contextlib.ExitStack() as stack:

        def watch(done: float, total: float) -> None:
            nonlocal draw
            state.done, state.total = done, total
            if not sys.stderr.isatty() or time.monotonic() - state.began < PATIENCE:
                return
            if draw is None:
                from isoflop.experiments.display import shown

                draw = stack.enter_context(shown(title, lambda p: p.words))
            draw(state)

        yield watch
