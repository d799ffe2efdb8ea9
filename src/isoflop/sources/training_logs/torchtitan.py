"""The console of torchtitan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.sources.training_logs.console import (
    NUMBER,
    ConsoleRow,
    Line,
    Part,
    Setting,
    console,
    number,
)

_STEP = re.compile(r"\bstep:\s*(\d+)\s+((?:\w*loss|global_avg_loss):.+)")
_EVALUATION = re.compile(r"\bvalidate step:\s*(\d+)\s+(.+)")
_PAIR = re.compile(rf"([A-Za-z][\w/]*):\s*({NUMBER})")
_SIZE = re.compile(r"\bsize: ([\d,]+) total parameters")
_BATCH = re.compile(r"\bglobal batch size ([\d,]+).*sequence length ([\d,]+)")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what torchtitan prints: steps, validation, the size of the model and of a batch."""
    for number_, line in lines:
        if match := _EVALUATION.search(line):
            values = {f"validate/{k}": number(v) for k, v in _PAIR.findall(match[2])}
            yield ConsoleRow(number_, {"step": float(match[1]), **values})
        elif match := _STEP.search(line):
            values = {k: number(v) for k, v in _PAIR.findall(match[2])}
            yield ConsoleRow(number_, {"step": float(match[1]), **values})
        elif match := _SIZE.search(line):
            yield Setting("N (total)", number(match[1]))
        elif match := _BATCH.search(line):
            yield Setting("tokens per step", number(match[1]) * number(match[2]))


console("torchtitan", r"\bstep:\s*\d+\s+(?:\w*loss):\s*[\d.]+\s+\w+:", parse, weight=1.5)
