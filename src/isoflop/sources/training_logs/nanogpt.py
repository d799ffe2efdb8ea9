"""The console of nanoGPT and of the many programs that were made from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.sources.training_logs.console import (
    ConsoleRow,
    Line,
    Part,
    Setting,
    console,
    number,
    pieces,
)

_ITERATION = re.compile(r"\biter (\d+): (loss .+)")
_EVALUATION = re.compile(r"\bstep (\d+): (train loss .+)")
_SETTINGS = (
    (re.compile(r"number of parameters: ([\d.]+)\s*M"), "N (non-embedding)", 1e6),
    (re.compile(r"tokens per iteration will be: ([\d,]+)"), "tokens per step", 1.0),
)


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what nanoGPT prints: evaluations, iterations, parameters and tokens per iteration."""
    for number_, line in lines:
        if match := _ITERATION.search(line) or _EVALUATION.search(line):
            yield ConsoleRow(number_, {"step": float(match[1]), **pieces(match[2], ",")})
            continue
        for pattern, name, scale in _SETTINGS:
            if match := pattern.search(line):
                yield Setting(name, number(match[1]) * scale)


console("nanoGPT", r"\b(?:iter \d+: loss \d|step \d+: train loss \d)", parse)
