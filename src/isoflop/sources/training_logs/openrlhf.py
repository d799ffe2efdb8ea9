"""The console of OpenRLHF: "Global step 1: {...}"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.sources.training_logs.console import ConsoleRow, Line, Part, console
from isoflop.sources.training_logs.printed import literal

_STEP = re.compile(r"[Gg]lobal step (\d+):\s*(\{.*\})")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield a record for each line of a step."""
    for number, line in lines:
        if match := _STEP.search(line):
            yield ConsoleRow(number, {"step": float(match[1]), **literal(match[2])})


console("OpenRLHF", r"[Gg]lobal step \d+:\s*\{", parse, weight=2.0)
