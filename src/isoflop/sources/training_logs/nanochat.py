"""The console of nanochat."""

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

_STEP = re.compile(r"\bstep (\d+)(?:/\d+)? \([\d.]+%\) \| (.+)")
_EVALUATION = re.compile(r"\bStep (\d+) \| (Validation bpb|CORE metric): ([\d.eE+-]+)")
_SETTINGS = (
    (re.compile(r"Number of parameters: ([\d,]+)"), "N (total)"),
    (re.compile(r"^total\s+: ([\d,]+)"), "N (total)"),
    (re.compile(r"^transformer_matrices\s+: ([\d,]+)"), "transformer_matrices"),
    (re.compile(r"^lm_head\s+: ([\d,]+)"), "lm_head"),
    (re.compile(r"Vocab size: ([\d,]+)"), "vocab_size"),
    (re.compile(r"Total batch size ([\d,]+) =>"), "tokens per step"),
    (re.compile(r"Total number of training tokens: ([\d,]+)"), "planned tokens"),
    (re.compile(r"Total training FLOPs estimate: ([\d.eE+]+)"), "planned FLOP"),
    (re.compile(r"Estimated FLOPs per token: ([\d.eE+]+)"), "FLOP per token"),
)
_NAMES = {"Validation bpb": "val/bpb", "CORE metric": "core_metric"}


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what nanochat prints: steps, evaluations in bits per byte, and its counts."""
    for number_, line in lines:
        if match := _STEP.search(line):
            yield ConsoleRow(number_, {"step": float(match[1]), **pieces(match[2], "|")})
        elif match := _EVALUATION.search(line):
            yield ConsoleRow(number_, {"step": float(match[1]), _NAMES[match[2]]: number(match[3])})
        else:
            for pattern, name in _SETTINGS:
                if match := pattern.search(line.strip()):
                    yield Setting(name, number(match[1]))


console(
    "nanochat", r"\bstep \d+(?:/\d+)? \([\d.]+%\) \| loss: |Step \d+ \| Validation bpb: ", parse
)
