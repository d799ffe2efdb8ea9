"""A column of scores from a reward model over HTTP, or from Hugging Face."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isoflop.sources.scoring import Scorer, Watch


LOCAL = "hf:"


def scorer_of(text: str) -> Scorer:
    """Return the scorer that a text names: an address, or a class."""
    if text.startswith(LOCAL):
        from isoflop.experiments.sampling.reward_model import classifier

        return classifier(text.removeprefix(LOCAL))
    from isoflop.sources.scoring import http_scorer

    return http_scorer(text)


@contextlib.contextmanager
def bar_of(title: str) -> Iterator[Watch | None]:
    """Yield what shows how many samples are scored; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)
