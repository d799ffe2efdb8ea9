"""The console of NeMo: its own progress lines, and the bars of Lightning that came before them."""

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

_STEP = re.compile(r"\bTraining epoch \d+, iteration (\d+)/\d+ \|(.+)")
_BAR = re.compile(r"\bEpoch (\d+):.*\[.*?((?:[\w. ]*loss[\w ]*=).+)\]")
_PAIR = re.compile(rf"([A-Za-z][\w /]*?)=({NUMBER})")
_SIZE = re.compile(r"^([\d.,]+)\s*([KMB]?)\s+(?:Total|Trainable) params", re.IGNORECASE)
_RANK = re.compile(r"^\s*(?:\d+:|\(\w+, pid=\d+\)|\[\S+\])\s*")
_SCALE = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9}


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield what NeMo prints; the step is its global step, where it prints one."""
    for line_number, line in lines:
        if match := _STEP.search(line):
            values = pieces(match[2], "|")
            yield ConsoleRow(
                line_number, {"step": values.get("global_step", float(match[1])), **values}
            )
        elif match := _BAR.search(line):
            values = {k.strip(): number(v) for k, v in _PAIR.findall(match[2])}
            if "global_step" in values:
                yield ConsoleRow(line_number, {"step": values["global_step"], **values})
        elif match := _SIZE.match(_RANK.sub("", line).strip()):
            yield Setting("N (total)", number(match[1]) * _SCALE[match[2].upper()])


console(
    "NeMo",
    r"\bTraining epoch \d+, iteration \d+/\d+ \||Epoch \d+:.*reduced_train_loss=",
    parse,
    weight=2.0,
)
