"""Any log of a training program as records: a mapping of numbers by field, line by line.

Read are JSON lines, `trainer_state.json`, CSV exports of Weights & Biases and trackio, consoles of
verl and OpenRLHF, and folders of TensorBoard event files.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from isoflop.errors import BadRuns, UnknownName
from isoflop.files import BadJSON, parse_json, read_content, read_text
from isoflop.sources.packaged import PREFIX
from isoflop.sources.training_logs.events import event_files, read_events

Record: TypeAlias = Mapping[str, Any]

_VERL = re.compile(r"(?:^|\s)step:(\d+) - (.+)$")
_PAIR = re.compile(
    r"([^\s:][^:]*?):(?:np\.float\d+\()?(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\)?$"
)
_GLOBAL_STEP = re.compile(r"[Gg]lobal step (\d+):\s*(\{.*\})")
_PANEL = re.compile(r"(?P<run>.+) - (?P<field>[^ ].*)")  # a column of an exported chart
_OF_A_CHART = ("__MIN", "__MAX")


@dataclass(frozen=True, eq=False)
class Log:
    """The records of one run, in the order in which they were written, and their line numbers."""

    run: str
    recipe: str
    origin: str
    records: tuple[Record, ...]
    lines: tuple[int, ...]


def read_logs(text: str) -> list[Log]:
    """Return the runs that a log holds: a path, RECIPE=PATH, or "sample:NAME" for a packaged one.

    Raises BadRuns for what is not there or holds no record.
    """
    recipe, _, rest = ("", "", text) if Path(text).exists() else text.rpartition("=")
    path = sample_path(rest) if rest.startswith(PREFIX) else Path(rest)
    if not path.exists():
        raise BadRuns(f"there is no log {str(path)!r}")
    logs = list(_folder(path, recipe) if path.is_dir() else _file(path, recipe))
    if not any(log.records for log in logs):
        raise BadRuns(f"{path} holds no record of training: lines of JSON, or step:1 - name:value")
    return [log for log in logs if log.records]


def sample_path(text: str) -> Path:
    """Return the packaged log that "sample:NAME" names."""
    folder = Path(str(resources.files("isoflop.sources"))) / "samples"
    paths = {p.stem: p for p in sorted(folder.glob("*.jsonl"))}
    name = text.removeprefix(PREFIX)
    if name not in paths:
        raise UnknownName("sample log", name, paths)
    return paths[name]


def _folder(path: Path, recipe: str) -> Iterator[Log]:
    has_logs = False
    for inner, name in event_files(path):
        has_logs = True
        records = read_events(inner)
        yield Log(name, recipe, str(inner), records, tuple(range(1, len(records) + 1)))
    states = sorted(path.rglob("trainer_state.json"), key=lambda p: _last_step(p))
    if states:  # each checkpoint holds all that came before it
        has_logs = True
        yield from _file(states[-1], recipe, path.name)
    for inner in sorted((*path.glob("*.jsonl"), *path.glob("*.csv"))):
        has_logs = True
        yield from _file(inner, recipe)
    if not has_logs:
        raise BadRuns(
            f"{path} holds no event files, trainer_state.json, .jsonl or .csv; name a log itself"
        )


def _last_step(path: Path) -> int:
    try:
        return int(parse_json(read_content(path)).get("global_step", 0))
    except (ValueError, AttributeError, TypeError, OverflowError):
        return -1


def _file(path: Path, recipe: str, name: str | None = None) -> Iterator[Log]:
    if "tfevents" in path.name:
        records = read_events(path)
        yield Log(path.parent.name, recipe, str(path), records, tuple(range(1, len(records) + 1)))
        return
    run = name or (path.parent.name if path.name == "trainer_state.json" else path.stem)
    reader = _READERS.get(path.suffix.lower(), _console)
    numbered = list(reader(path))
    by_run: dict[str, list[tuple[int, Record]]] = {}
    for line, record in numbered:
        run_name = record.get("run")
        by_run.setdefault(str(run_name) if isinstance(run_name, str) else run, []).append(
            (line, record)
        )
    for each, rows in by_run.items():
        family = recipe or str(rows[0][1].get("family", ""))
        yield Log(each, family, str(path), tuple(r for _, r in rows), tuple(n for n, _ in rows))


def _text(path: Path) -> str:
    return read_text(path, errors="replace")


def _json_lines(path: Path) -> Iterator[tuple[int, Record]]:
    lines = _text(path).splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = parse_json(line)
        except BadJSON:
            if number == len(lines):  # a run that is alive, or was killed, leaves half a line
                return
            raise BadRuns(f"{path}: line {number} is not JSON: {line[:60]}") from None
        if isinstance(record, dict) and "isoflop" not in record:
            yield number, flat(record)


def _json(path: Path) -> Iterator[tuple[int, Record]]:
    try:
        document = parse_json(_text(path))
    except BadJSON:
        yield from _json_lines(path)
        return
    if isinstance(document, dict):
        document = document.get("log_history", [document])
    if not isinstance(document, list) or not all(isinstance(r, dict) for r in document):
        raise BadRuns(f"{path} holds no list of records and no log_history")
    yield from ((number, flat(record)) for number, record in enumerate(document, 1))


def flat(record: Mapping[str, Any]) -> Record:
    """Return a record with all its numbers at the top; verl keeps them under "data"."""
    numbers: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            inner = flat(value)
            numbers |= (
                inner
                if name in ("data", "metrics")
                else {f"{name}/{k}": v for k, v in inner.items()}
            )
        elif isinstance(value, str):
            numbers[name] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = float(value) if math.isfinite(value) else math.nan
    return numbers


def _separated(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield the rows of a CSV; columns "RUN - FIELD" of a chart become rows of each run."""
    from isoflop.sources.cells import numbers, texts
    from isoflop.sources.files import read_file

    table = read_file(path)
    cells: dict[str, Any] = {}
    for name, column in table.columns.items():
        values, other = numbers(column)
        cells[name] = texts(column) if other.any() else values.tolist()
    charts = {name: m for name in cells if (m := _PANEL.fullmatch(name))}
    plain = {name: v for name, v in cells.items() if name not in charts}
    series = {name: m for name, m in charts.items() if not name.endswith(_OF_A_CHART)}
    runs: list[str | None] = list(dict.fromkeys(m["run"] for m in series.values())) or [None]
    for run in runs:
        mine = {**plain, **{m["field"]: cells[n] for n, m in series.items() if m["run"] == run}}
        for i, number in enumerate(table.rows.tolist()):
            row = {k: v[i] for k, v in mine.items() if v[i] != "" and v[i] == v[i]}
            yield number, {**row, **({"run": run} if run is not None else {})}


def _console(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield what verl ("step:1 - name:value - ...") and OpenRLHF ("Global step 1: {...}") print."""
    for number, line in enumerate(_text(path).splitlines(), 1):
        if match := _VERL.search(line):
            pairs = (_PAIR.fullmatch(part.strip()) for part in match[2].split(" - "))
            values: dict[str, Any] = {m[1]: float(m[2]) for m in pairs if m}
            yield number, {"step": float(match[1]), **values}
        elif match := _GLOBAL_STEP.search(line):
            yield number, {"step": float(match[1]), **_literal(match[2])}
        elif line.lstrip().startswith("{") and (record := _literal(line.strip())):
            yield number, record


def _literal(text: str) -> Record:
    """Return the numbers of a printed dictionary; nothing of what is none."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    return flat(value) if isinstance(value, dict) else {}


_READERS: Mapping[str, Callable[[Path], Iterator[tuple[int, Record]]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _separated,
    ".tsv": _separated,
}
