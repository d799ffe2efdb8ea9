"""The console of MaxText."""

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
    pieces,
)

_STEP = re.compile(r"\bcompleted step: (\d+), (seconds: .+)")
_EVALUATION = re.compile(r"\beval metrics after step: (\d+), (.+)")
_SIZE = re.compile(rf"\bnumber parameters: ({NUMBER}) billion")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what MaxText prints; its total_weights are the tokens of a step that count.

    They are summed to tokens seen where the log begins with the first step.
    """
    seen, following = 0.0, 0.0
    for number_, line in lines:
        if match := _STEP.search(line):
            record = {"step": float(match[1]), **pieces(match[2], ",")}
            if record["step"] == following and "total_weights" in record:
                seen, following = seen + record["total_weights"], following + 1
                record["tokens"] = seen
            yield ConsoleRow(number_, record)
        elif match := _EVALUATION.search(line):
            values = {f"eval {k}": v for k, v in pieces(match[2], ",").items()}
            yield ConsoleRow(number_, {"step": float(match[1]), **values})
        elif match := _SIZE.search(line):
            yield Setting("N (total)", number(match[1]) * 1e9)


console("MaxText", r"\bcompleted step: \d+, seconds: ", parse, weight=2.0)
