"""TensorBoard event files, read as a stream without TensorBoard.

A file is records (length, checksum, message, checksum), each message an Event of protocol
buffers. Source: github.com/tensorflow/tensorboard, compat/proto/event.proto and summary.proto;
the framing is that of TFRecord.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from isoflop.errors import BadRuns, Note
from isoflop.sources.log_formats import (
    FileFormat,
    FileHead,
    FolderFormat,
    Follower,
    opened,
    register,
)
from isoflop.sources.trackers.wire import Value, fields, inner, signed, text, varint
from isoflop.sources.training_logs.log import HistoryWriter, Log, Record, Wanted

CHUNK = 1 << 22  # [bytes] that are read at a time
LARGEST = 1 << 26  # [bytes] of a record that is held in memory: pictures are passed by
_HEAD = struct.Struct("<Q")
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")
_AROUND = 12  # [bytes] of length and checksum before a record; 4 more behind it
# Fields of Event, of Summary.Value, and of TensorProto.
_STEP, _SUMMARY = 2, 5
_TAG, _SIMPLE, _TENSOR, _METADATA = 1, 2, 8, 9
_DTYPE, _SHAPE, _CONTENT, _FLOATS, _DOUBLES, _INTS, _LONGS = 1, 2, 4, 5, 6, 7, 10
_SCALAR = {1: _FLOAT, 2: _DOUBLE}
_FIRST = b"\x0a"  # the tag of a value, where it comes first as every writer has it
_PLAIN = b"\x15"  # a simple value, where it comes second


def read_events(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the run of one event file.

    Raises BadRuns for a file that holds no scalar.
    """
    yield from _run([path], path.resolve().parent.name, wanted)


def _run(paths: list[Path], name: str, wanted: Wanted) -> Iterator[Log]:
    """Yield the run that event files of one folder hold, in the order of their writing."""
    events = _Events(HistoryWriter(wanted))
    notes: list[Note] = []
    for path in paths:
        with opened(path) as file:
            if not isinstance(file, io.BufferedReader):
                raise BadRuns(f"{path} is packed; unpack it first")
            for _, record in _records(file, path.stat().st_size):
                if isinstance(record, str):
                    what = f"{path}: {record}; what comes before it is imported"
                    notes.append(Note("doubt", "damaged", what))
                else:
                    events.add(record)
    if events.broken:
        what = f"{paths[0]}: {events.broken:,} records cannot be read and are left out"
        notes.append(Note("doubt", "damaged", what))
    yield Log(
        name,
        "",
        str(paths[0] if len(paths) == 1 else paths[0].parent),
        events.history.history(),
        events.settings,
        program="TensorBoard",
        notes=tuple(notes),
    )


def _records(file: IO[bytes], size: int, start: int = 0) -> Iterator[tuple[int, bytes | str]]:
    """Yield the records of a file from a byte on, or in words where it breaks off.

    Each comes with the byte at which it ends, from which reading may go on.
    """
    file.seek(start)
    data, at = b"", 0
    while True:
        if len(data) - at < _AROUND:
            data, start, at = data[at:] + file.read(CHUNK), start + at, 0
        if len(data) < _AROUND:
            if data:
                yield start, f"the file is cut at byte {start:,}"
            return
        (length,) = _HEAD.unpack_from(data, at)
        end = at + _AROUND + length + 4
        if start + end > size:
            yield start + at, _ending(start + at, length, size - start - at)
            return
        if length > LARGEST:
            file.seek(start + end)
            data, start, at = b"", start + end, 0
            continue
        if len(data) < end:
            data += file.read(max(CHUNK, end - len(data)))
        at, record = end, data[at + _AROUND : end - 4]
        yield start + at, record


def _ending(at: int, length: int, size: int) -> str:
    if length > 1 << 40:
        return f"the record at byte {at:,} is broken"
    return f"the record at byte {at:,} has {length:,} bytes, and {max(size, 0):,} are there"


class _Events:
    """Events of a run as they come: values of one step belong to one record."""

    def __init__(self, history: HistoryWriter) -> None:
        self.history = history
        self.settings: dict[str, Any] = {}
        self.broken = 0
        self._rows: dict[int, int] = {}
        self._step = -1
        self._names: dict[bytes, str] = {}

    def add(self, data: bytes) -> None:
        """Add an event; what cannot be read is counted."""
        try:
            step, summary = _event(data)
            if summary:
                row = self._row(step)
                for number, value in fields(summary):
                    if number == 1:
                        self._value(row, inner(value))
        except (ValueError, IndexError, struct.error):
            self.broken += 1

    def _row(self, step: int) -> int:
        """Return the record of a step; going back begins anew, as a restart does."""
        if step < self._step:
            self._rows = {}
        if step not in self._rows:
            self._rows = {step: len(self.history)}
            self.history.add(len(self.history) + 1, (("step", float(step)),))
        self._step = step
        return self._rows[step]

    def _value(self, row: int, data: bytes) -> None:
        # Nearly every value is a tag and a float: told at once.
        if data[:1] == _FIRST and data[1] < 0x80:
            end = 2 + data[1]
            if data[end : end + 1] == _PLAIN and len(data) == end + 5:
                self.history.put(row, self._name(data[2:end]), _FLOAT.unpack_from(data, end + 1)[0])
                return
        tag, value = self._any_value(data)
        if value is not None:
            self.history.put(row, self._name(tag), value)

    def _any_value(self, data: bytes) -> tuple[bytes, float | None]:
        """Return the tag and the number of a value, None where it is no number."""
        tag, value = b"", None
        for number, content in fields(data):
            if number == _TAG:
                tag = inner(content)
            elif number == _SIMPLE:
                value = _FLOAT.unpack(inner(content))[0]
            elif number == _TENSOR:
                value = _scalar(inner(content))
            elif number == _METADATA:
                self.settings |= _hyperparameters(inner(content))
        return tag, value

    def _name(self, tag: bytes) -> str:
        name = self._names.get(tag)
        if name is None:
            name = self._names[tag] = tag.decode("utf-8", "replace")
        return name


class _EventFollower:
    """The event files of a folder, or one of them, each from where the last look ended.

    A restart begins another file, whose steps go back. A file that was written anew is taken
    from its first event on.
    """

    def __init__(self, place: Path) -> None:
        self.place, self.began_anew = place, False
        self._offsets: dict[Path, int] = {}

    def records(self) -> Iterator[Record]:
        """Yield the records since the last call."""
        self.began_anew = False
        events = _Events(HistoryWriter())
        for path in _files(self.place) if self.place.is_dir() else [self.place]:
            size = path.stat().st_size
            if size < self._offsets.get(path, 0):
                self.began_anew, self._offsets[path] = True, 0
            with opened(path) as file:
                for end, data in _records(file, size, self._offsets.get(path, 0)):
                    if isinstance(data, bytes):
                        self._offsets[path] = end
                        events.add(data)
        yield from (record for record in events.history.history().records if len(record) > 1)


def _event(data: bytes) -> tuple[int, bytes]:
    """Return the step and the summary of an event."""
    if data[:1] == b"\x09" and data[9:10] == b"\x10":  # time, step, summary, as they are written
        step, at = varint(data, 10)
        if data[at : at + 1] == b"\x2a":
            size, at = varint(data, at + 1)
            if at + size == len(data):
                return signed(step), data[at:]
    step, summary = 0, b""
    for number, value in fields(data):
        if number == _STEP and isinstance(value, int):
            step = signed(value)
        elif number == _SUMMARY:
            summary = inner(value)
    return step, summary


def _scalar(data: bytes) -> float | None:
    """Return the number that a tensor without dimensions holds, None for any other tensor."""
    kind, content = 0, None
    for number, value in fields(data):
        if number == _DTYPE and isinstance(value, int):
            kind = value
        elif number == _SHAPE and value:
            return None
        elif number in (_CONTENT, _FLOATS, _DOUBLES) and isinstance(value, bytes):
            content = value
        elif number in (_INTS, _LONGS):
            whole = value if isinstance(value, int) else varint(value, 0)[0]
            return float(signed(whole))
    shape = _SCALAR.get(kind)
    if shape is None or content is None or len(content) != shape.size:
        return None
    return float(shape.unpack(content)[0])


def _hyperparameters(data: bytes) -> dict[str, Any]:
    """Return what the plugin of hyperparameters keeps beside a run, by name."""
    settings: dict[str, Any] = {}
    for kind, plugin in fields(data):
        if kind != 1:
            continue
        parts = dict(fields(inner(plugin)))
        if text(parts.get(1, b"")) != "hparams":
            continue
        for number, start in fields(inner(parts.get(2, b""))):
            if number == 3:
                settings |= dict(_pairs(inner(start)))
    return settings


def _pairs(data: bytes) -> Iterator[tuple[str, Any]]:
    for number, entry in fields(data):
        if number == 1:
            parts = dict(fields(inner(entry)))
            value = next(iter(fields(inner(parts.get(2, b"")))), (0, b""))
            yield text(parts.get(1, b"")), _plain_value(*value)


def _plain_value(kind: int, value: Value) -> Any:
    if kind == 2 and isinstance(value, bytes):
        return _DOUBLE.unpack(value)[0]
    return text(value) if kind == 3 else None


def _score(sample: FileHead) -> float:
    """Return a mark where a file begins with the version that every event file states."""
    return 1000.0 if b"brain.Event:" in sample.head[12:64] else 0.0


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*tfevents*") if p.is_file())


def _read_folder(folder: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the run whose event files lie in one folder.

    Raises BadRuns where no file of them holds a scalar.
    """
    for log in _run(_files(folder), folder.resolve().name, wanted):
        if not len(log.history) and not log.settings and not log.notes:
            raise BadRuns(f"{folder} holds event files without a scalar")
        yield log


def _follow(place: Path, run: str) -> Follower:
    return _EventFollower(place)


def _is_store(folder: Path) -> bool:
    return bool(_files(folder))


register(FileFormat("TensorBoard", "store", _score, read_events, follow=_follow))
register(FolderFormat("TensorBoard", _is_store, _read_folder, True, follow=_follow))
