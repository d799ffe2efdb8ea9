"""Levanter: its JSON logger, a line a step, and the progress bar of its console."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.files import BadJSON, parse_json
from isoflop.sources.training_logs.console import (
    NUMBER,
    ConsoleRow,
    Line,
    Part,
    Setting,
    console,
    number,
)
from isoflop.sources.training_logs.log import flat

_JSON = re.compile(r'\{"tracker":.*\}\s*$')
_BAR = re.compile(r"Progress on:train\s+([\d.]+)(k?)it/\S+.*?((?:\w+=).+)")
_PAIR = re.compile(rf"(\w+)=({NUMBER})")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what Levanter logs; a bar shows steps in thousands once they are many."""
    for number_, line in lines:
        if match := _JSON.search(line):
            yield from _event(number_, match[0])
        elif match := _BAR.search(line):
            step = float(match[1]) * (1000 if match[2] else 1)
            values = {k: number(v) for k, v in _PAIR.findall(match[3])}
            yield ConsoleRow(number_, {"step": step, **values})


def _event(line: int, text: str) -> Iterator[Part]:
    try:
        document = parse_json(text)
    except BadJSON:
        return
    event, metrics = document.get("event"), document.get("metrics")
    if event == "hparams" and isinstance(document.get("hparams"), dict):
        for name, value in flat(document["hparams"]).items():
            yield Setting(name, value)
    elif event == "log" and isinstance(metrics, dict):
        yield ConsoleRow(line, {"step": document.get("step"), **flat(metrics)})
    elif event == "log_summary" and isinstance(metrics, dict):
        for name, value in flat(metrics).items():
            yield Setting(name, value)


console("Levanter", r'\{"tracker": ?"|Progress on:train\s+[\d.]+k?it/', parse, weight=3.0)
