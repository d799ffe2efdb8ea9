"""The console of LitGPT, and of lit-gpt before it."""

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

_STEP = re.compile(r"\biter\s+(\d+)\s+step\s+(\d+)\s*[|:]\s*loss(?: train)?:?\s*([\d.]+)")
_HELD_OUT = re.compile(rf",\s*val(?: loss)?:?\s*({NUMBER})")
_EVALUATION = re.compile(rf"\biter\s+(\d+)\s*:\s*val loss\s*({NUMBER})")
_FINAL = re.compile(rf"\bFinal evaluation \| val loss:\s*({NUMBER})")
_SIZE = re.compile(r"\b[Tt]otal parameters:?\s*([\d,]+)")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what LitGPT prints: an optimiser step may take several iterations."""
    step = 0.0
    for number_, line in lines:
        if match := _STEP.search(line):
            step = float(match[2])
            record = {"step": step, "iter": float(match[1]), "loss": number(match[3])}
            if held_out := _HELD_OUT.search(line):
                record["val loss"] = number(held_out[1])
            yield ConsoleRow(number_, record)
        elif match := _EVALUATION.search(line):
            yield ConsoleRow(number_, {"step": step, "val loss": number(match[2])})
        elif match := _FINAL.search(line):
            yield ConsoleRow(number_, {"step": step, "val loss": number(match[1])})
        elif match := _SIZE.search(line):
            yield Setting("N (total)", number(match[1]))


console("LitGPT", r"\biter\s+\d+\s+step\s+\d+\s*[|:]\s*loss", parse, weight=2.0)
