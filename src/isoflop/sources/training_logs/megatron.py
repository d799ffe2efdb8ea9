"""The console of Megatron-LM and of what was made from it, such as Megatron-DeepSpeed."""

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

_STEP = re.compile(r"\biteration\s+(\d+)/\s*\d+ \|(.+)")
_EVALUATION = re.compile(r"\bvalidation loss at iteration (\d+)\b[^|]*\|(.+)")
_ARGUMENT = re.compile(rf"^\s*(?:\[?[\w:. -]*\]?\s)?([a-z]\w+) \.{{2,}} ({NUMBER}|\S+)\s*$")
_SIZE = re.compile(r"number of parameters on \(tensor, pipeline\)[^:]*: (\d+)")
_BILLIONS = re.compile(r"Number of parameters in billions:\s*([\d.]+)")
_RANKED = re.compile(r"^\s*(?:\[\S+\]:|\(\w+ pid=\d+\)|\d+:)\s*")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what Megatron prints: iterations, validation, arguments and sizes of its ranks."""
    ranks: dict[str, float] = {}
    for number_, line in lines:
        if match := _EVALUATION.search(line):
            values = {f"validation {k}": v for k, v in pieces(match[2], "|").items()}
            yield ConsoleRow(number_, {"iteration": float(match[1]), **values})
        elif match := _STEP.search(line):
            yield ConsoleRow(number_, {"iteration": float(match[1]), **pieces(match[2], "|")})
        elif match := _SIZE.search(line):
            ranks[line[: match.start(1)].split("rank", 1)[-1]] = float(match[1])
            yield Setting("N (total)", sum(ranks.values()))
        elif match := _BILLIONS.search(line):
            yield Setting("N (total)", float(match[1]) * 1e9)
        elif " .." in line and (match := _ARGUMENT.match(_RANKED.sub("", line))):
            yield Setting(match[1], _value(match[2]))


def _value(text: str) -> float | str:
    return number(text) if re.fullmatch(NUMBER, text) else text


console(
    "Megatron-LM",
    r"\biteration\s+\d+/\s*\d+ \|.*(?:elapsed time per iteration|consumed samples|loss:)",
    parse,
)
