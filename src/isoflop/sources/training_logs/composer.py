"""The console of Composer and LLM Foundry: a block of lines below the batch that they are of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.sources.training_logs.console import NUMBER, ConsoleRow, Line, Part, console, number

_BATCH = re.compile(r"\[batch=(\d+)/\d+\]")
_VALUE = re.compile(rf"^\W*(?:\d+:\s*)?\s*(?:Train|Eval) ([\w./-]+): ({NUMBER})\s*$")
# Sums of all losses, in units of their own where a mean over tokens stands beside them.
_TOTAL = "loss/train/total"
_ENTROPY = "metrics/train/LanguageCrossEntropy"
_RATE = re.compile(r"lr-\w+/group0$")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield a record for each batch that is printed, its evaluation with it."""
    batch, record, first = 0.0, dict[str, float](), 0
    for number_, line in lines:
        if match := _BATCH.search(line):
            if record:
                yield ConsoleRow(first, _record(batch, record))
            batch, record, first = float(match[1]), {}, number_
        elif first and (match := _VALUE.match(line)):
            record[match[1]] = number(match[2])
    if record:
        yield ConsoleRow(first, _record(batch, record))


def _record(batch: float, values: dict[str, float]) -> dict[str, float]:
    """Return the numbers of a batch under names that say what they are."""
    record = {k: v for k, v in values.items() if k != _TOTAL or _ENTROPY not in values}
    if "time/token" in record:
        record["tokens"] = record.pop("time/token")
    rate = next((v for k, v in values.items() if _RATE.match(k)), None)
    return {"step": batch, **record, **({} if rate is None else {"lr": rate})}


console("Composer", r"\[batch=\d+/\d+\]", parse, weight=3.0)
