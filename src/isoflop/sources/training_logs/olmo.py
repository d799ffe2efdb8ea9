"""The consoles of OLMo and OLMo-core: a line for a step, its numbers indented below it."""

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

_STEP = re.compile(r"\[step=([\d,]+)(?:/[\d,]+)?")
_PAIR = re.compile(rf"^\s+([A-Za-z][^=]*)=({NUMBER})")
_SIZE = (
    (re.compile(r"\b[Tt]otal (?:number of )?(?:model )?parameters: ([\d,]+)"), "N (total)"),
    (re.compile(r"\b[Nn]on-embedding parameters: ([\d,]+)"), "N (non-embedding)"),
    (
        re.compile(r"\bNumber of (?:non-embedding|non embedding) parameters: ([\d,]+)"),
        "N (non-embedding)",
    ),
)


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield a record a step, and what the log says of the size of the model."""
    inside, step = False, 0.0
    for number_, line in lines:
        if match := _STEP.search(line):
            inside, step = True, number(match[1])
            yield ConsoleRow(number_, {"step": step})
        elif inside and (match := _PAIR.match(line)):
            yield ConsoleRow(number_, {match[1].strip(): number(match[2])}, more=True)
        else:
            for pattern, name in _SIZE:
                if match := pattern.search(line):
                    yield Setting(name, number(match[1]))
            # An evaluation has a block of its own, without a step: it belongs to the last one.
            inside = inside and (not line.strip() or "eval" in line.lower())


console("OLMo", r"\[step=[\d,]+(?:/[\d,]+)?[,\]]", parse, weight=1.5)
