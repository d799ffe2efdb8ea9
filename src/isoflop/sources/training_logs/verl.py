"""The console of verl: "step:1 - name:value - name:value"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.sources.training_logs.console import ConsoleRow, Line, Part, console

_STEP = re.compile(r"(?:^|\s)step:(\d+) - (.+)$")
_PAIR = re.compile(
    r"([^\s:][^:]*?):(?:np\.float\d+\()?(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\)?$"
)


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield a record for each line of a step."""
    for number, line in lines:
        if match := _STEP.search(line):
            pairs = (_PAIR.fullmatch(part.strip()) for part in match[2].split(" - "))
            yield ConsoleRow(
                number, {"step": float(match[1]), **{m[1]: float(m[2]) for m in pairs if m}}
            )


console("verl", r"(?:^|\s)step:\d+ - \S+:", parse, weight=1.5)
