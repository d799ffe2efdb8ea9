"""The consoles of TRL and of Hugging Face's Trainer: a dictionary printed at each log.

Such a record names its epoch alone. Its step is what the progress bar beside it shows; where no
bar is printed, it is what the bar showed last, and without any bar records are numbered.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from isoflop.errors import Note
from isoflop.sources.training_logs.console import ConsoleRow, Line, Part, console
from isoflop.sources.training_logs.log import Record, flat

_BAR = re.compile(r"(\d+)/(\d+) \[[\d:?]+<")
_RECORD = re.compile(r"\{'.*\}")
_NAMED = ("step", "global_step", "steps")
# What Trainer prints once, at the end.
_SUMMARY = "train_runtime"


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield a record for each dictionary, and how its step was told."""
    bar, from_bar, numbered = _Bar(), 0, 0
    for number, line in lines:
        bar.see(line)
        match = _RECORD.search(line)
        record = literal(match[0]) if match else {}
        if not record or _SUMMARY in record:
            continue
        if any(name in record for name in _NAMED):
            yield ConsoleRow(number, record)
        elif bar.step:
            from_bar += 1
            yield ConsoleRow(number, {"step": float(bar.step), **record})
        else:
            numbered += 1
            yield ConsoleRow(number, {"record": float(numbered), **record})
    if from_bar:
        text = f"{from_bar:,} records say no step; each takes the step that its progress bar shows"
        yield Note("info", "step", text)
    if numbered:
        text = f"{numbered:,} records say no step and no progress bar is there: they are numbered"
        yield Note("doubt", "step", text)


class _Bar:
    """The progress bar of training: bars of evaluation count batches, up to a smaller total."""

    def __init__(self) -> None:
        self.step = self.total = 0

    def see(self, line: str) -> None:
        """Take the last bar of training that a line shows."""
        for match in _BAR.finditer(line):
            if int(match[2]) >= self.total:
                self.step, self.total = int(match[1]), int(match[2])


def literal(text: str) -> Record:
    """Return the numbers of a printed dictionary; nothing of what is none.

    Numbers that Trainer prints as texts ('2.31', in its version 5) are numbers.
    """
    try:
        value = ast.literal_eval(re.sub(r"\bnan\b", "None", text))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    if not isinstance(value, dict):
        return {}
    record = flat({str(k): v for k, v in value.items()})
    return {k: _number(v) if isinstance(v, str) else v for k, v in record.items()}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


console(
    "Trainer of Hugging Face",
    r"\{'(?:loss|eval_|reward|train_|grad_norm|objective|rewards|num_tokens|step|kl)",
    parse,
    weight=1.2,
)
