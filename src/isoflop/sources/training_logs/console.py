"""Logs of text, line by line: what a program prints becomes records and settings of runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from isoflop.errors import Note
from isoflop.sources.log_formats import Damaged, FileFormat, FileHead, numbered_lines, register
from isoflop.sources.training_logs.log import HistoryWriter, Log, Wanted

NUMBER = r"[-+]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)\b"
_PIECE = re.compile(
    rf"\s*(?P<name>[A-Za-z][^:=|]*?)\s*(?:[:=]\s*|\s+)(?P<value>{NUMBER})"
    r"(?P<scale>(?-i:[KMBT])\b)?",
    re.IGNORECASE,
)
_SCALE = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_PLAIN = ("log", "train", "training", "output", "stdout", "stderr", "main", "console", "metrics")

Line: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class ConsoleRow:
    """A record that a line holds; `more` says that it belongs to the one before it."""

    line: int
    numbers: Mapping[str, Any]
    run: str = ""
    recipe: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """What a line says of the whole run, such as the number of its parameters."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class ConsoleEnding:
    """How a line says that the run ended, such as "finished"."""

    state: str


Part: TypeAlias = ConsoleRow | Setting | ConsoleEnding | Note
Parse: TypeAlias = Callable[[Iterable[Line]], Iterator[Part]]


def console(program: str, marks: str, parse: Parse, *, weight: float = 1.0) -> None:
    """Register what a program prints, told by lines in which `marks` is found."""
    pattern = re.compile(marks, re.MULTILINE)

    def score(sample: FileHead) -> float:
        return weight * sum(1 for _ in pattern.finditer(sample.short))

    def read(path: Path, wanted: Wanted) -> Iterator[Log]:
        yield from logs_of(path, parse(numbered_lines(path)), wanted, program)

    register(FileFormat(program, "text", score, read))


@dataclass
class _Run:
    """What is collected of one run."""

    history: HistoryWriter
    settings: dict[str, Any] = field(default_factory=dict)
    recipe: str = ""


def logs_of(path: Path, parts: Iterator[Part], wanted: Wanted, program: str) -> Iterator[Log]:
    """Yield the runs that the parts of a file tell, each once; a damaged end is noted."""
    runs: dict[str, _Run] = {}
    settings: dict[str, Any] = {}
    notes: list[Note] = []
    state = ""
    while True:
        try:
            part = next(parts, None)
        except Damaged as reason:
            notes.append(Note("doubt", "damaged", f"{reason}; what comes before it is imported"))
            break
        if part is None:
            break
        if isinstance(part, ConsoleRow):
            _add(runs, part, wanted)
        elif isinstance(part, Setting):
            settings[part.name] = part.value
        elif isinstance(part, ConsoleEnding):
            state = part.state
        else:
            notes.append(part)
    for name, run in runs.items():
        yield Log(
            run=name or run_name(path),
            recipe=run.recipe,
            origin=str(path),
            history=run.history.history(),
            settings=dict(settings),
            state=state,
            program=program,
            notes=tuple(notes),
        )


def _add(runs: dict[str, _Run], row: ConsoleRow, wanted: Wanted) -> None:
    run = runs.get(row.run)
    if run is None:
        run = runs[row.run] = _Run(HistoryWriter(wanted), recipe=row.recipe)
    if row.more and len(run.history):
        run.history.extend(len(run.history) - 1, row.numbers.items())
    else:
        run.history.add(row.line, row.numbers.items())


def run_name(path: Path) -> str:
    """Return what a run is called after its file, or the folder of a file that all runs have."""
    stem = path.name
    for suffix in (".gz", ".zst", path.with_suffix("").suffix, path.suffix):
        stem = stem.removesuffix(suffix) if len(stem) > len(suffix) else stem
    folder = path.resolve().parent.name
    return folder if stem.lower() in _PLAIN and folder else stem


def number(text: str) -> float:
    """Return the number that a text writes, thousands apart by commas or not."""
    return float(text.replace(",", "").replace("_", ""))


def pieces(text: str, separator: str) -> dict[str, float]:
    """Return the numbers of a line by name: "loss: 3.1 | tokens 1.5B", apart by a `separator`."""
    pairs: dict[str, float] = {}
    for piece in text.split(separator):
        if match := _PIECE.match(piece):
            scale = _SCALE.get((match["scale"] or "").lower(), 1.0)
            pairs[match["name"].strip()] = number(match["value"]) * scale
    return pairs
