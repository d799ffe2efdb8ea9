"""The consoles of prime-rl: of its trainer and of its orchestrator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.sources.training_logs.console import (
    NUMBER,
    ConsoleRow,
    Line,
    Part,
    console,
    number,
    pieces,
)

_STEP = re.compile(r"\bStep (\d+) \| (Time: .+)")
_EVALUATION = re.compile(rf"\bEvaluated (\S+) in .*?\((Avg@\d+)[=:]\s*({NUMBER})")
# As its metrics are called where they are logged.
_NAMES = {
    "Reward": "reward/all/mean",
    "Loss": "loss/mean",
    "Entropy": "entropy/all/mean",
    "LR": "optim/lr",
    "Grad. Norm": "optim/grad_norm",
    "Time": "time/step",
    "Truncation Rate": "is_truncated/all/mean",
}


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what prime-rl prints, under the names of its metrics."""
    step = 0.0
    for number_, line in lines:
        if match := _STEP.search(line):
            step = float(match[1])
            values = {_NAMES.get(k, k): v for k, v in pieces(match[2], "|").items()}
            yield ConsoleRow(number_, {"step": step, **values})
        elif match := _EVALUATION.search(line):
            name = f"eval/{match[1]}/{match[2].lower()}"
            yield ConsoleRow(number_, {"step": step, name: number(match[3])})


console("prime-rl", r"\bStep \d+ \| Time: [\d.]+", parse, weight=2.0)
