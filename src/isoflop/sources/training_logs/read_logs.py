"""`read_logs`: any source of logs, by address, folder or file, to the runs that it holds."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import TypeAlias

from isoflop.errors import BadRuns, Note, UnknownName
from isoflop.sources.log_formats import (
    CERTAIN,
    FileFormat,
    Watch,
    address_formats,
    best_format,
    certain_formats,
    file_formats,
    folder_formats,
    sample_of,
)
from isoflop.sources.packaged import PREFIX
from isoflop.sources.training_logs.log import Log, Wanted, everything

# In a folder, texts are opened where their name is one that logs have; stores by what they hold.
_TEXTS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".log", ".txt", ".out", ".err")
_PACKED = (".gz", ".zst")
TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json")  # that may be tables of runs
_DEEPEST = 12  # folders below the one that was named
MOST_FILES = 200_000
Read: TypeAlias = Callable[[Path, Wanted], Iterator[Log]]


def silent(done: float, total: float) -> None:
    """Tell nobody how far something is."""


def read_logs(text: str, wanted: Wanted = everything, watch: Watch = silent) -> list[Log]:
    """Return the runs that a source holds.

    `text` is a path, RECIPE=PATH, "sample:NAME" for a packaged log, or the address of a tracker
    such as "wandb:ENTITY/PROJECT". `wanted` says which fields are kept, so that what is large
    need not be held; `watch` is told how much of the source is read.
    Raises BadRuns for what is not there or holds no record.
    """
    recipe, _, rest = ("", "", text) if Path(text).exists() else text.rpartition("=")
    prefix, _, address = rest.partition(":")
    if prefix in address_formats() and not Path(rest).exists():
        if Path(address).exists():
            rest = address
        else:
            logs = address_formats()[prefix].read(address, wanted, watch)
            return _filled(logs, rest, recipe, [])
    path = sample_path(rest) if rest.startswith(PREFIX) else Path(rest)
    if not path.exists():
        raise BadRuns(f"there is no log {str(path)!r}{_hint(rest)}")
    notes: list[Note] = []
    logs = _folder(path, wanted, watch, notes) if path.is_dir() else _file(path, wanted)
    return _filled(logs, str(path), recipe, notes)


def is_log(text: str) -> bool:
    """Say whether a source is one of logs: an address, a folder of logs, a store, or a log.

    A table of runs, as CSV or JSON lines, is none, though its rows may be records of one run.
    """
    prefix, _, address = text.partition(":")
    try:
        path = Path(text)
        if path.is_dir():
            return next(_sources(path), None) is not None
        if not path.is_file():
            return prefix in address_formats() and bool(address)
        sample = sample_of(path)
        if path.suffix.lower() in TABLES:
            return any(entry.score(sample) >= CERTAIN for entry in certain_formats())
        return best_format(sample) is not None
    except (OSError, ValueError, BadRuns):
        return False


def _filled(logs: Iterator[Log], origin: str, recipe: str, notes: list[Note]) -> list[Log]:
    """Return the runs that hold a record, under the recipe that the user names.

    What is to be said of the whole source goes with the first of them.
    """
    everyone = list(logs)
    runs = [log for log in everyone if len(log.history)]
    if not runs:
        where = f"any of its {len(everyone):,} runs" if everyone else "it"
        raise BadRuns(
            f"{origin} holds no record of training: no step with a loss or a reward in {where}"
        )
    if len(runs) < len(everyone):
        names = ", ".join(log.run for log in everyone if not len(log.history))[:200]
        text = f"{len(everyone) - len(runs):,} runs logged nothing and are left out: {names}"
        notes.append(Note("doubt", "empty", text))
    runs[0] = dataclasses.replace(runs[0], notes=(*notes, *runs[0].notes))
    return [dataclasses.replace(log, recipe=recipe) if recipe else log for log in runs]


def _hint(text: str) -> str:
    prefix, colon, _ = text.partition(":")
    formats = address_formats()
    if not colon or "/" in prefix or "\\" in prefix:
        return ""
    return f"; addresses begin with {', '.join(f'{name}:' for name in sorted(formats))}"


def sample_path(text: str) -> Path:
    """Return the packaged log that "sample:NAME" names."""
    folder = Path(str(resources.files("isoflop.sources"))) / "samples"
    paths = {p.stem: p for p in sorted(folder.glob("*.jsonl"))}
    name = text.removeprefix(PREFIX)
    if name not in paths:
        raise UnknownName("sample log", name, paths)
    return paths[name]


def _file(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of one file, whose format is told by what it holds."""
    sample = sample_of(path)
    if not sample.head.strip():
        raise BadRuns(f"{path} is empty")
    entry = best_format(sample)
    if entry is None:
        programs = ", ".join(sorted(f.program for f in file_formats()))
        raise BadRuns(
            f"{path} holds no record of training that is known here: no line with a step and a "
            f"loss or a reward; read are {programs}"
        )
    yield from entry.read(path, wanted)


def _folder(path: Path, wanted: Wanted, watch: Watch, notes: list[Note]) -> Iterator[Log]:
    """Yield the runs of every store and log below a folder; what cannot be read is noted."""
    sources = list(_sources(path))
    if not sources:
        raise BadRuns(
            f"{path} holds no event files, trainer_state.json, store of a tracker, or log that is "
            f"called {', '.join(_TEXTS)}; name a log itself"
        )
    failures: list[BadRuns] = []
    logs = 0
    for i, (place, read) in enumerate(sources, 1):
        try:
            for log in read(place, wanted):
                logs += 1
                yield log
        except BadRuns as failure:
            failures.append(failure)
        watch(i, len(sources))
    if failures and not logs:
        raise failures[0]
    if failures:
        text = (
            f"{len(failures):,} of {len(sources):,} sources in {path} could not be read and are "
            f"left out: {'; '.join(map(str, failures[:3]))}"
        )
        notes.append(Note("doubt", "damaged", text))


def _sources(top: Path) -> Iterator[tuple[Path, Read]]:
    """Yield what can be read below a folder, each file once, and how."""
    names: set[str] = set()
    for count, (name, folders, files) in enumerate(os.walk(top)):
        folder = Path(name)
        folders[:] = sorted(folders) if len(folder.relative_to(top).parts) < _DEEPEST else []
        if count > MOST_FILES:
            raise BadRuns(f"{top} holds more than {MOST_FILES:,} folders; name one of them")
        claims = [entry for entry in folder_formats() if entry.claims(folder)]
        for entry in claims:
            yield folder, entry.read
        if any(not entry.descend for entry in claims):
            folders[:] = []
            continue
        for file in sorted(files):
            path, real = folder / file, os.path.realpath(folder / file)
            entry_of_file = None if real in names else _recognised(path, bool(claims))
            if entry_of_file:
                names.add(real)
                yield path, entry_of_file.read


def places_of(top: Path) -> list[Path]:
    """Return what can be read below a folder, each file or folder of a store once."""
    return [place for place, _ in _sources(top)]


def _recognised(path: Path, claimed: bool) -> FileFormat | None:
    """Return the format of a file in a folder; None for what is no log, or was read already."""
    if not path.is_file() or (claimed and "tfevents" in path.name):
        return None
    name = path.name.lower()
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    try:
        sample = sample_of(path)
    except BadRuns:
        return None
    is_text = name.endswith(_TEXTS)
    if not is_text and b"\0" not in sample.head[:4096]:
        return None
    entry = best_format(sample)
    return entry if entry and (is_text or entry.kind == "store") else None
