"""The console of llm.c, and the short log that it writes beside its checkpoints."""

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

_STEP = re.compile(r"\bstep\s+(\d+)/(\d+) \| (loss .+)")
_EVALUATION = re.compile(rf"^val loss ({NUMBER})")
_SHORT = re.compile(r"^s:(\d+) (.+)$")
_PAIR = re.compile(rf"(\w+):({NUMBER})")
_TABLE = re.compile(r"^\|\s*(\w[\w ]*?)\s*\|\s*([\d,]+)\s*\|")
# What its main.log calls the losses: of the test set, and of training.
_NAMES = {"tel": "val loss", "trl": "loss"}
_SETTINGS = {"num_parameters": "N (total)", "total batch size": "tokens per step"}


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what llm.c prints; a loss of validation stands before the step that it precedes."""
    step = 0.0
    for number_, line in lines:
        if match := _STEP.search(line):
            step = float(match[1])
            yield ConsoleRow(number_, {"step": step, **pieces(match[3], "|")})
        elif match := _EVALUATION.match(line):
            yield ConsoleRow(number_, {"step": step, "val loss": number(match[1])})
        elif match := _SHORT.match(line):
            pairs = {_NAMES.get(k, k): number(v) for k, v in _PAIR.findall(match[2])}
            yield ConsoleRow(number_, {"step": float(match[1]), **pairs})
        elif (match := _TABLE.match(line)) and match[1] in _SETTINGS:
            yield Setting(_SETTINGS[match[1]], number(match[2]))


console("llm.c", r"\bstep\s+\d+/\d+ \| loss [\d.]+|^s:\d+ (?:tel|trl|eval):", parse, weight=1.5)
