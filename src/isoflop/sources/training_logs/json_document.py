"""One JSON document: `trainer_state.json`, a list of records, or columns of numbers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns, Note
from isoflop.files import BadJSON, parse_json, read_text
from isoflop.sources.log_formats import FileFormat, FileHead, FolderFormat, register
from isoflop.sources.training_logs.console import ConsoleRow, Part, Setting, logs_of, run_name
from isoflop.sources.training_logs.json_lines import OPEN, TELLING
from isoflop.sources.training_logs.log import Log, Wanted, flat

STATE = "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-\d+")
_LISTS = ("log_history", "history", "records", "logs", "metrics", "data", "rows")


def _read(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of a document.

    Raises BadRuns for one that holds neither records nor columns.
    """
    try:
        document = parse_json(read_text(path, errors="replace"))
    except BadJSON as reason:
        raise BadRuns(f"{path} is cut or is no JSON ({reason}); copy it again") from None
    for log in logs_of(path, iter(_parts(document, path)), wanted, "JSON"):
        unnamed = path.name == STATE and log.run == run_name(path)
        yield dataclasses.replace(log, run=_state_name(path)) if unnamed else log


def _state_name(path: Path) -> str:
    """Return the name of the folder that a trainer wrote into."""
    folder = path.resolve().parent
    return (folder.parent if _CHECKPOINT.fullmatch(folder.name) else folder).name


def _parts(document: Any, path: Path) -> Iterator[Part]:
    records: Any = document
    if isinstance(document, Mapping):
        lists = [k for k in _LISTS if isinstance(document.get(k), list)]
        records = document[lists[0]] if lists else _rows(document)
        for name, value in flat({k: v for k, v in document.items() if k not in lists}).items():
            yield Setting(name, value)
    if not isinstance(records, list) or not all(isinstance(r, Mapping) for r in records):
        raise BadRuns(f"{path} holds no list of records, no log_history and no columns of numbers")
    for number, record in enumerate(records, 1):
        numbers = flat(record, OPEN)
        run, recipe = (numbers.pop(k, "") for k in ("run", "family"))
        yield ConsoleRow(number, numbers, _text(run), _text(recipe))
    if isinstance(document, Mapping) and isinstance(document.get("max_steps"), int | float):
        yield from _progress(document)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _progress(document: Mapping[str, Any]) -> Iterator[Part]:
    """Yield a doubt about a run that had more steps to go when it was written."""
    step, last = document.get("global_step"), document["max_steps"]
    if isinstance(step, int | float) and 0 < step < last:
        text = f"the trainer's state is of step {step:,.0f} of {last:,.0f}: the run was not over"
        yield Note("doubt", "state", text)


def _rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return columns of numbers as records; one record where they are no lists."""
    columns = {k: v for k, v in document.items() if isinstance(v, list) and v}
    lengths = {len(v) for v in columns.values()}
    if not columns or len(lengths) != 1:
        return [dict(document)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _score(sample: FileHead) -> float:
    """Return a mark where a sample is one document that tells of training."""
    text = sample.text.lstrip()
    if text[:1] not in ("{", "["):
        return 0.0
    if '"log_history"' in text or sample.path.name == STATE:
        return 100.0
    first = next(line for line in sample.lines if line.strip())
    is_lines = first != text.strip() and _is_json(first)
    return 0.0 if is_lines or not TELLING.search(text) else 1.0


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except BadJSON:
        return False
    return True


def _states(folder: Path) -> list[Path]:
    """Return the states of one trainer: its own, and those of its checkpoints."""
    return [p for p in (folder / STATE, *folder.glob(f"checkpoint-*/{STATE}")) if p.is_file()]


def _read_folder(folder: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the run of a trainer from its last state, which holds all that came before."""
    states = sorted(_states(folder), key=_last_step)
    for log in _read(states[-1], wanted):
        yield dataclasses.replace(log, run=folder.resolve().name)


def _last_step(path: Path) -> float:
    try:
        return float(parse_json(read_text(path)).get("global_step", 0))
    except (ValueError, AttributeError, TypeError, OverflowError, BadRuns):
        return -1.0


register(FileFormat("JSON", "text", _score, _read, certain=True))
register(FolderFormat("Trainer of Hugging Face", lambda f: bool(_states(f)), _read_folder))
