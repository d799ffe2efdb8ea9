"""A run that is being logged: each of its records once, whatever happens to what is read.

Lines of JSON and the stores of trackers are followed from where the last look ended. Other logs
are read anew at each look that finds them changed, and what was seen is known by its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns, RefusedByData
from isoflop.experiments.folder import SPEC, TrialFolder
from isoflop.files import BadJSON, open_flags, parse_json
from isoflop.monitor.live.names import PARTS
from isoflop.sources.log_formats import (
    Follower,
    address_formats,
    best_format,
    folder_formats,
    one_run,
    sample_of,
)
from isoflop.sources.packaged import PREFIX
from isoflop.sources.training_logs import read_logs
from isoflop.sources.training_logs.json_lines import OPEN
from isoflop.sources.training_logs.log import flat
from isoflop.sources.training_logs.read_logs import places_of, sample_path
from isoflop.store import Study
from isoflop.store.study import DATABASE

CHUNK = 1 << 20  # bytes that are read at once
HEAD = 64  # bytes by which a file is known again
LONGEST = 1 << 20  # bytes of a line; a longer one is passed over
LINES = (".jsonl", ".ndjson")


def follower(source: str | os.PathLike[str], run: str = "") -> Follower:
    """Return what follows a run: of a file, a folder, an address, a study, or a trial of one.

    `run` says which, by its name, where the source holds several.
    Raises BadRuns for what is not there, RefusedByData for several runs without a name.
    """
    text = str(source)
    prefix, _, address = text.partition(":")
    path = sample_path(text) if text.startswith(PREFIX) else Path(text)
    entry = address_formats().get(prefix)
    if entry is not None and not path.exists():
        if not Path(address).exists():
            return entry.follow(address, run) if entry.follow else _Whole(text, run)
        path = Path(address)
    if path.suffix == ".toml" and path.is_file():
        from isoflop.experiments.design import StudyFile

        path = StudyFile.read(path).folder
    if path.is_dir():
        return _in_folder(path, run)
    if path.suffix.lower() in LINES:
        return _LineFollower(path, run)
    if path.is_file():
        sample = sample_of(path)
        log_format = best_format(sample) if sample.head else None
        if log_format is not None and log_format.follow is not None:
            return log_format.follow(path, run)
    return _Whole(str(path), run)


def _in_folder(path: Path, run: str) -> Follower:
    """Return what follows a run of a folder: a store, a study, a trial, or the one log in it."""
    if (path / SPEC).is_file():
        return follower(TrialFolder(path).curve)
    if (path / DATABASE).is_file():
        return _in_folder(_trial(path, run), "")
    for log_format in folder_formats():
        if log_format.follow is not None and log_format.claims(path):
            return log_format.follow(path, run)
    places = places_of(path)
    if len(places) == 1 and places[0] != path:
        return follower(places[0], run)
    return _Whole(str(path), run)


def _trial(path: Path, run: str) -> Path:
    """Return the folder of a trial of a study: the one that runs, unless it is named."""
    from isoflop.experiments.standing import standing

    study = Study.open(path)
    trials = standing(study)
    running = {t.key: t.name for t in trials if run or t.state == "running"}
    if not running:
        raise BadRuns(f"no trial of {path} is running; say which one to look at: --run NAME")
    return study.trials / one_run(running, run, path)


class _LineFollower:
    """Lines of JSON, read on from the byte at which the last look ended."""

    def __init__(self, path: Path, run: str) -> None:
        self.path, self.run, self.began_anew = path, run, False
        self._offset = 0
        self._head = b""
        self._name = run

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records since the last call."""
        self.began_anew = False
        try:
            handle = os.open(self.path, open_flags("RDONLY", "CLOEXEC", "NONBLOCK"))
        except OSError as error:
            raise BadRuns(f"cannot read {self.path}: {(error.strerror or '').lower()}") from None
        with os.fdopen(handle, "rb") as file:
            self._place(file.read(HEAD), os.fstat(handle).st_size)
            file.seek(self._offset)
            rest = b""
            while data := file.read(CHUNK):
                lines = (rest + data).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    self._offset += len(line) + 1
                    if (record := self._record(line)) is not None:
                        yield record
                if len(rest) > LONGEST:
                    self._offset += len(rest)
                    rest = b""

    def _place(self, head: bytes, size: int) -> None:
        """Go back to the start of a file that is another, or was cut."""
        moved = self._head and not head.startswith(self._head[: len(head)])
        if size < self._offset or moved:
            self._offset, self.began_anew = 0, True
            self._head = b""
        if len(head) > len(self._head):
            self._head = head

    def _record(self, line: bytes) -> Mapping[str, Any] | None:
        """Return what a line holds of the run; None for no record, and for another run's."""
        if not line.strip():
            return None
        try:
            record = parse_json(line)
        except BadJSON:
            return None
        if not isinstance(record, dict) or "isoflop" in record:
            return None
        name = record.get("run", self._name)
        self._name = self._name or str(name or "")
        if not self.run and name != self._name and self._name:
            raise RefusedByData(
                f"{self.path} holds several runs ({self._name}, {name}); say which: --run NAME"
            )
        return flat(record, OPEN) if name == self._name or not self._name else None


class _Whole:
    """A log that is read as a whole; of each field, the values beyond those seen are new."""

    def __init__(self, source: str, run: str) -> None:
        self.source, self.run, self.began_anew = source, run, False
        self._seen: dict[str, int] = {}
        self._state: tuple[int, int] | None = None

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records since the last call."""
        self.began_anew = False
        state = _state(Path(self.source))
        if state is not None and state == self._state:
            return
        logs = {str(i): log for i, log in enumerate(read_logs(self.source)) if log.records}
        key = one_run({key: log.run for key, log in logs.items()}, self.run, self.source)
        self._state = state
        history = logs[key].history
        sizes = {name: series.values.size for name, series in history.series.items()}
        if any(sizes.get(name, -1) < count for name, count in self._seen.items()):
            self._seen, self.began_anew = {}, True
        steps = {name: history.column(name) for name in PARTS["step"] if name in history.series}
        rows: dict[int, dict[str, float]] = {}
        for name, series in history.series.items():
            count = self._seen.get(name, 0)
            for row, value in zip(series.rows[count:], series.values[count:], strict=True):
                rows.setdefault(int(row), {})[name] = float(value)
            self._seen[name] = series.values.size
        for row in sorted(rows):
            yield {**{name: float(column[row]) for name, column in steps.items()}, **rows[row]}


def _state(path: Path) -> tuple[int, int] | None:
    """Return the size and the time of change of a file; None for what is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if path.is_file() else None
