"""What a trainer wrote, as records: JSON, JSON lines, a trainer_state.json, or its console."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from isoflop.errors import BadRuns
from isoflop.files import BadJSON, parse_json, read_text

Record: TypeAlias = Mapping[str, Any]

_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)"
# "step 100: train loss 2.31, val_loss=2.4" and the like: a name, a sign or a space, a number.
_PAIR = re.compile(
    rf"([A-Za-z][\w./%-]*(?: [A-Za-z][\w./%-]*)?)\s*[:= ]\s*({_NUMBER})(?![\w.])", re.I
)
_LONGEST_LINE = 100_000


def records_of(path: Path) -> tuple[Record, ...]:
    """Return the records of a file that a trainer wrote, in order, nested names joined by dots.

    A JSON object is one record, its `log_history` (of a trainer_state.json) several; JSON lines
    are one each; of other text, every line that holds "name number" pairs is one.
    Raises BadRuns for a file that is missing or no text.
    """
    text = read_text(path, BadRuns)
    if path.suffix.lower() == ".json":
        try:
            return tuple(_of_json(parse_json(text)))
        except (BadJSON, ValueError) as error:
            raise BadRuns(f"{path} is not JSON: {str(error)[:200]}") from None
    return tuple(record for line in text.splitlines() if (record := _of_line(line)))


def _of_json(value: Any) -> Iterator[Record]:
    if isinstance(value, Mapping):
        history = value.get("log_history")
        if isinstance(history, Sequence) and not isinstance(history, str):
            yield from _of_json(history)
        else:
            yield _flat(value)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from (_flat(entry) for entry in value if isinstance(entry, Mapping))


def _of_line(line: str) -> Record:
    if len(line) > _LONGEST_LINE:
        return {}
    start = line.find("{")
    if start >= 0 and line.rstrip().endswith("}"):
        try:
            value = parse_json(line[start:])
        except (BadJSON, ValueError):
            value = None
        if isinstance(value, Mapping):
            return _flat(value)
    return {name.strip(): float(number.replace("_", "")) for name, number in _PAIR.findall(line)}


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return a mapping whose nested names are joined: {"eval": {"loss": 2}} has eval.loss."""
    flat: dict[str, Any] = {}
    for name, entry in value.items():
        if isinstance(entry, Mapping):
            flat |= _flat(entry, f"{before}{name}.")
        elif isinstance(entry, bool | int | float | str):
            flat[f"{before}{name}"] = entry
    return flat
