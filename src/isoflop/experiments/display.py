"""Show long work on the terminal: a bar with the time to go, or a few lines in a log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from isoflop.experiments.engines import SweepProgress
from isoflop.terminal import printable


@contextlib.contextmanager
def shown(
    title: str, formatter: Callable[[Any], str] | None = None
) -> Iterator[Callable[[Any], None]]:
    """Yield what `run` takes as `watch`: it draws on stderr, weighted by FLOP.

    Other work than a sweep brings `formatter`, which puts into words how it stands; what it
    shows has `done` and `total` as well.
    """
    words = formatter or sentence
    if not sys.stderr.isatty():
        yield _Lines(title, words)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    # Names are no markup: a [link] in one would be a link.
    title_column, words_column = (
        TextColumn(f"{{task.{part}}}", markup=False) for part in ("description", "fields[said]")
    )
    columns = (title_column, BarColumn(), TaskProgressColumn(), words_column)
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(printable(title), said="")

        def draw(progress: Any) -> None:
            text = printable(words(progress))
            bar.update(task, total=progress.total, completed=progress.done, said=text)

        yield draw


class _Lines:
    """A line at every tenth of the work."""

    def __init__(self, title: str, words: Callable[[Any], str]) -> None:
        self.title = title
        self.words = words
        self.tenth = -1

    def __call__(self, progress: Any) -> None:
        tenth = int(10 * progress.done / progress.total + 1e-9) if progress.total > 0 else 10
        if tenth > self.tenth:
            self.tenth = tenth
            text = self.words(progress)
            line = printable(f"{self.title}: {10 * tenth}%, {text}")
            print(line, file=sys.stderr, flush=True)


def sentence(progress: SweepProgress) -> str:
    """Return how a sweep stands, in a few words.

    >>> sentence(SweepProgress(1e12, 4e12, 60.0, 180.0, 3, ("a",), 4, 1))
    '3/9 trials, 1 failed, 3 min 0 s to go'
    """
    count = progress.finished + len(progress.running) + progress.waiting + progress.failed
    parts = [f"{progress.finished}/{count} trials"]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.running or progress.waiting:
        parts.append("" if progress.eta is None else f"{duration(progress.eta)} to go")
    else:
        parts.append(f"{duration(progress.seconds)} in all")
    return ", ".join(filter(None, parts))


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(7.4), duration(192), duration(7300)
    ('7 s', '3 min 12 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
