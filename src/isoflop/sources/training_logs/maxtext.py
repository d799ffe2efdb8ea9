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
    tokens, following = 0.0, 0.0
    for line_number, line in lines:
        if match := _STEP.search(line):
            record = {"step": float(match[1]), **pieces(match[2], ",")}
            if record["step"] == following and "total_weights" in record:
                tokens, following = tokens + record["total_weights"], following + 1
                record["tokens"] = tokens
            yield ConsoleRow(line_number, record)
        elif match := _EVALUATION.search(line):
            values = {f"eval {k}": v for k, v in pieces(match[2], ",").items()}
            yield ConsoleRow(line_number, {"step": float(match[1]), **values})
        elif match := _SIZE.search(line):
            yield Setting("N (total)", number(match[1]) * 1e9)


console("MaxText", r"\bcompleted step: \d+, seconds: ", parse, weight=2.0)
