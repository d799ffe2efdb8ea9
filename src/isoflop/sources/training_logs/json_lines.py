"""JSON lines: a record a line, of one run or of several that each record names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from isoflop.errors import Note
from isoflop.files import BadJSON, parse_json
from isoflop.sources.log_formats import FileFormat, FileHead, numbered_lines, register
from isoflop.sources.training_logs.console import ConsoleRow, Line, Part, logs_of
from isoflop.sources.training_logs.log import Log, Wanted, flat

OPEN = ("data", "metrics")  # under which verl and others keep the numbers of a record
_SHOWN = 5
TELLING = re.compile(r"loss|reward|bpb|perplexity|\bppl|eval|val-|(?:^|[/_])(?:step|iter)")


def parse(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield a record for each line, and which lines are none.

    A last line may be cut: a run that is alive, or was killed, leaves half of one.
    """
    broken: list[int] = []
    last = 0
    for number, line in lines:
        if not line.strip():
            continue
        last = number
        record = _record(line)
        if record is None:
            broken.append(number)
        elif "isoflop" not in record:
            numbers = flat(record, OPEN)
            run, recipe = (numbers.pop(k, "") for k in ("run", "family"))
            yield ConsoleRow(number, numbers, _text(run), _text(recipe))
    if broken and broken != [last]:
        listing = ", ".join(map(str, broken[:_SHOWN])) + (", ..." if len(broken) > _SHOWN else "")
        text = f"{len(broken):,} lines are no JSON and are left out: {listing}"
        yield Note("doubt", "damaged", text, tuple(broken))


def _record(line: str) -> dict[str, Any] | None:
    try:
        value = parse_json(line)
    except BadJSON:
        return None
    return value if isinstance(value, dict) else {} if isinstance(value, list) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _score(sample: FileHead) -> float:
    """Return how many of the first lines are records of training, 0 where none tells of it."""
    lines = [line for line in sample.lines[:200] if line.lstrip()[:1] == "{"]
    records = [record for line in lines if (record := _record(line))]
    telling = any(TELLING.search(name) for record in records for name in flat(record, OPEN))
    return 1.1 * len(records) if telling else 0.0


def _read(path: Path, wanted: Wanted) -> Iterator[Log]:
    yield from logs_of(path, parse(numbered_lines(path)), wanted, "JSON lines")


register(FileFormat("JSON lines", "text", _score, _read))
