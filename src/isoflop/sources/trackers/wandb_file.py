"""Runs that W&B wrote offline, `run-ID.wandb`, read without W&B and without a login.

A file is 7 bytes of header, then records in the framing of LevelDB's log (blocks of 32 KiB, each
part with a checksum, a length and a kind), each record a message of protocol buffers.
Source: github.com/wandb/wandb, wandb/proto/wandb_internal.proto; github.com/google/leveldb,
doc/log_format.md.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from zlib import crc32

from isoflop.errors import BadRuns, Note
from isoflop.files import BadJSON, parse_json
from isoflop.sources.log_formats import (
    FileFormat,
    FileHead,
    FolderFormat,
    Follower,
    one_run,
    opened,
    register,
)
from isoflop.sources.trackers.wire import Value, fields, inner, signed, text
from isoflop.sources.training_logs.log import HistoryWriter, Log, Record, Wanted, flat

MAGIC = b":W&B"
HEADER, BLOCK = 7, 32_768  # [bytes]
HEAD = 64  # [bytes] by which a file is known again
_PART = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# Fields of messages.
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT = 2, 3, 5, 17, 18
_KEY, _NESTED, _NONE, _BOOLEAN, _INTEGER, _NUMBER, _TEXT, _JSON_TEXT, _JSON = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    16,
)
_RUN_ID, _RUN_CONFIG, _RUN_GROUP, _RUN_NAME, _RUN_START = 1, 4, 6, 8, 17
_INTERNAL = ("_wandb",)


@dataclass
class _Collected:
    """What the records of a file say of its run so far."""

    history: HistoryWriter
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    name: str = ""
    start: float = 0.0
    code: int | None = None
    broken: int = 0


def read_run(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the run of a file; what is cut off at its end or broken is noted.

    Raises BadRuns for what is no file of W&B.
    """
    run, notes = _Collected(HistoryWriter(wanted)), []
    with opened(path) as file:
        if file.read(HEADER)[:4] != MAGIC:
            raise BadRuns(f"{path} is no file of W&B: it does not begin with {MAGIC.decode()}")
        records = _records(file)
        for number, (_, data) in enumerate(records, 1):
            if isinstance(data, str):
                notes.append(Note("doubt", "damaged", f"{path}: {data}; what is whole is imported"))
                continue
            try:
                _collect(run, number, data)
            except ValueError:
                run.broken += 1
    if run.broken:
        what = f"{path}: {run.broken:,} records cannot be read and are left out"
        notes.append(Note("doubt", "damaged", what))
    settings = {**flat(run.summary), **flat(run.config)}
    name = run.name or run.key or path.stem
    state = "unfinished" if run.code is None else "failed" if run.code else "finished"
    yield Log(
        run=name,
        recipe="",
        origin=str(path),
        history=run.history.history(),
        settings={k: v for k, v in settings.items() if not k.startswith(_INTERNAL)},
        state=state,
        key=run.key,
        program="W&B",
        start=run.start,
        notes=tuple(notes),
    )


def _records(file: IO[bytes], start: int = HEADER) -> Iterator[tuple[int, bytes | str]]:
    """Yield the records of a file from a byte on, or in words what is wrong where one is broken.

    Each comes with the byte at which it ends, from which reading may go on.
    """
    parts: list[bytes] = []
    end = start
    for end, part in _parts(file, start):
        if isinstance(part, str):
            parts = []
            yield end, part
            continue
        kind, body = part
        if kind in (_FULL, _FIRST):
            parts = []
        parts.append(body)
        if kind in (_FULL, _LAST):
            yield end, b"".join(parts)
            parts = []
    if parts:
        yield end, "the file is cut within its last record"


def _parts(file: IO[bytes], start: int) -> Iterator[tuple[int, tuple[int, bytes] | str]]:
    """Yield the parts of records that the blocks of a file hold, by kind; words where it breaks."""
    file.seek(start)
    block = file.read(BLOCK - start % BLOCK)
    while block:
        at = 0
        while len(block) - at >= _PART.size:
            checksum, size, kind = _PART.unpack_from(block, at)
            body = block[at + _PART.size : at + _PART.size + size]
            if not (checksum or size or kind):
                break  # the rest of the block was set aside, and not used
            if len(body) < size:
                yield start + at, f"the file is cut in the record at byte {start + at:,}"
                return
            if not _is_whole(checksum, kind, body):
                what = f"the record at byte {start + at:,} is broken, with the rest of its block"
                yield start + len(block), what
                break
            at += _PART.size + size
            yield start + at, (kind, body)
        start += len(block)
        block = file.read(BLOCK)


def _is_whole(checksum: int, kind: int, body: bytes) -> bool:
    """Say whether a part is as it was written: W&B checks kind and body by CRC-32 (IEEE)."""
    return _FULL <= kind <= _LAST and crc32(body, crc32(bytes((kind,)))) == checksum


def _collect(run: _Collected, number: int, data: bytes) -> None:
    """Add what a record says. Raises ValueError for one that is no message."""
    for kind, value in fields(data):
        if kind == _HISTORY:
            run.history.add(number, _items(inner(value), 1))
        elif kind == _SUMMARY:
            run.summary.update(_items(inner(value), 1))
        elif kind == _CONFIG:
            run.config.update(_items(inner(value), 1))
        elif kind == _RUN:
            _identify(run, inner(value))
        elif kind == _EXIT:
            codes = [v for k, v in fields(inner(value)) if k == 1 and isinstance(v, int)]
            run.code = codes[0] if codes else 0


class _OfflineFollower:
    """The history of a run that is being written, from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self.path, self.began_anew = path, False
        self._offset = HEADER
        self._head = b""

    def records(self) -> Iterator[Record]:
        """Yield the records since the last call."""
        self.began_anew = False
        with opened(self.path) as file:
            head = file.read(HEAD)
            size = file.seek(0, os.SEEK_END)
            if size < self._offset or not head.startswith(self._head):
                self.began_anew, self._offset, self._head = bool(self._head), HEADER, b""
            self._head = self._head or (head if len(head) == HEAD else b"")
            for end, data in _records(file, self._offset):
                if not isinstance(data, str):
                    self._offset = end
                    yield from _logged(data)


def _logged(data: bytes) -> Iterator[Record]:
    """Yield what a record says of the history; none for one of another kind, or broken."""
    try:
        for kind, value in fields(data):
            if kind == _HISTORY:
                yield flat(dict(_items(inner(value), 1)))
    except ValueError:
        return


def _identify(run: _Collected, data: bytes) -> None:
    for kind, value in fields(data):
        if kind == _RUN_ID:
            run.key = text(value)
        elif kind == _RUN_NAME:
            run.name = text(value)
        elif kind == _RUN_GROUP:
            run.config["run_group"] = text(value)
        elif kind == _RUN_CONFIG:
            run.config.update(_items(inner(value), 1))
        elif kind == _RUN_START:
            seconds = [v for k, v in fields(inner(value)) if k == 1 and isinstance(v, int)]
            run.start = float(seconds[0]) if seconds else 0.0


def _items(data: bytes, item: int) -> Iterable[tuple[str, Any]]:
    """Yield the names and values of a record of history, summary or config."""
    for kind, value in fields(data):
        if kind != item:
            continue
        name, content = _item(inner(value))
        if isinstance(content, dict):
            if content.get("_type"):  # a picture, a table or a histogram
                continue
            yield from ((f"{name}/{k}", v) for k, v in flat(content).items())
        elif isinstance(content, int | float | str):
            yield name, content


def _item(data: bytes) -> tuple[str, Any]:
    names: list[str] = []
    content: Any = None
    for kind, value in fields(data):
        if kind in (_KEY, _NESTED):
            names.append(text(value))
        elif kind in (_JSON, _JSON_TEXT):
            content = _parsed(inner(value))
        else:
            content = _typed(kind, value)
    return "/".join(filter(None, names)), content


def _typed(kind: int, value: Value) -> Any:
    """Return a value of a newer file, which says its type."""
    if kind == _INTEGER and isinstance(value, int):
        return signed(value)
    if kind == _NUMBER and isinstance(value, bytes):
        return struct.unpack("<d", value)[0]
    return text(value) if kind == _TEXT else None


def _parsed(data: bytes) -> Any:
    """Return what JSON says; NaN and infinities, which W&B writes as words, are numbers."""
    try:
        return float(data)
    except ValueError:
        value = _document(data)
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value


def _document(data: bytes) -> Any:
    try:
        return parse_json(data)
    except BadJSON:
        return None


def _score(sample: FileHead) -> float:
    return 1000.0 if sample.head[:4] == MAGIC else 0.0


def _files(folder: Path) -> list[Path]:
    """Return the files of W&B in a folder of a run."""
    return sorted(p for p in folder.glob("*.wandb") if p.is_file())


def _read_folder(folder: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs in a folder of W&B, whose other files tell nothing more."""
    for path in _files(folder):
        yield from read_run(path, wanted)


def _follow(place: Path, run: str) -> Follower:
    """Return the run of a file, or of a folder of W&B that holds one."""
    files = {p.stem.removeprefix("run-"): p for p in _files(place)} if place.is_dir() else {}
    return _OfflineFollower(
        files[one_run({key: key for key in files}, run, place)] if files else place
    )


def _is_store(folder: Path) -> bool:
    return bool(_files(folder))


register(FileFormat("W&B, offline", "store", _score, read_run, follow=_follow))
register(FolderFormat("W&B, offline", _is_store, _read_folder, follow=_follow))
