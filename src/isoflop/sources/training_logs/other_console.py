"""Consoles of programs that are not known by name: lines that hold a step and a loss or reward."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.sources.training_logs.console import NUMBER, ConsoleRow, Line, Part, console, number

_STEP = re.compile(
    r"(?:^|[^\w/])(?:global[ _]?step|train[ _]?step|steps?|iter(?:ation)?s?|it|update)"
    r"\s*[:=#\[(]?\s*(\d[\d,]*)\b(?!\.\d)",
    re.IGNORECASE,
)
_PAIR = re.compile(rf"([A-Za-z][\w/.\- ]*?)\s*[:=]\s*({NUMBER})(?![\w:])", re.IGNORECASE)
_LOOSE = re.compile(
    rf"\b((?:[a-z]+[ _])?(?:loss|lr|bpb|ppl|perplexity|learning rate)) ({NUMBER})", re.IGNORECASE
)
_TELLING = re.compile(
    r"loss|bpb|ppl|perplexity|reward|cross.?entropy|\bnll\b|\bce\b", re.IGNORECASE
)
_TOKENS = re.compile(rf"\btokens(?: seen)?\s*[:=]?\s*({NUMBER})\s*([KMBT])\b", re.IGNORECASE)
_SCALE = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield a record for each line that holds a step and a number that tells of training."""
    for line_number, line in lines:
        step = _STEP.search(line)
        if step is None:
            continue
        values = {_name(k): number(v) for k, v in _LOOSE.findall(line)}
        values |= {_name(k): number(v) for k, v in _PAIR.findall(line)}
        values = {k: v for k, v in values.items() if k}
        if not any(_TELLING.search(name) for name in values):
            continue
        if match := _TOKENS.search(line):
            values["tokens"] = number(match[1]) * _SCALE[match[2].upper()]
        yield ConsoleRow(line_number, {"step": number(step[1]), **values})


def _name(text: str) -> str:
    """Return the name of a number: the last words before it, without the units between."""
    words = text.strip().split()
    return "" if not words else " ".join(words[-2:]) if len(words) > 1 else words[0]


console(
    "another program",
    r"(?i)\b(?:step|iter|iteration|it|update)s?\b.{0,40}?\d.*"
    r"(?:loss|bpb|ppl|perplexity|reward|cross.?entropy)",
    parse,
    weight=0.3,
)
