"""How logs and trackers are told apart: each format is one file, which registers itself here.

A new format is a new file under `trackers` or `training_logs`. Files are recognised by what they
hold; a name decides nothing.
"""

from __future__ import annotations

import gzip
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import IO, Literal, Protocol, TypeAlias

from isoflop.errors import BadRuns, RefusedByData, UnknownName
from isoflop.files import refuse_strange
from isoflop.sources.training_logs.log import Log, Record, Wanted

SAMPLE = 1 << 20  # [bytes] of a file by which its format is told
PIECE = 1 << 16  # [bytes] of it that are unpacked at a time
WIDEST = 2000  # characters of a line by which a format is told
LONGEST = 1 << 24  # characters of a line
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")

Watch: TypeAlias = Callable[[float, float], None]
Kind: TypeAlias = Literal["store", "text"]


class Damaged(BadRuns):
    """A file that ends or breaks where it should not; what came before it is good."""


@dataclass(frozen=True)
class FileHead:
    """The first bytes of a file, unpacked, by which its format is told."""

    path: Path
    head: bytes

    @cached_property
    def text(self) -> str:
        """The head as text without colours; empty where it is none."""
        if b"\0" in self.head[:4096]:
            return ""
        return _ESCAPES.sub("", self.head.decode("utf-8-sig", "replace"))

    @cached_property
    def short(self) -> str:
        """The text with lines cut to what a program prints of one step."""
        return "\n".join(line[:WIDEST] for line in self.lines)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines of the text, the last of which may be cut."""
        return tuple(re.split(r"[\r\n]+", self.text))


class Follower(Protocol):
    """A run that is being logged: its records, each once, in the order in which they came.

    `began_anew` says that the last call began from the first record on: the store is another.
    """

    began_anew: bool

    def records(self) -> Iterator[Record]:
        """Yield what was written since the last call; what is half written waits.

        Raises BadRuns for what is not there, RefusedByData for several runs of which none was
        named.
        """
        ...


Follow: TypeAlias = Callable[[Path, str], Follower]  # a store, and which of its runs ("": the one)


@dataclass(frozen=True)
class FileFormat:
    """A format of files: `score` says how many marks of it a sample holds, 0 for another one.

    `follow` is for stores that are read on from where they were left.
    """

    program: str
    kind: Kind
    score: Callable[[FileHead], float]
    read: Callable[[Path, Wanted], Iterator[Log]]
    certain: bool = False
    follow: Follow | None = None


CERTAIN = 100.0  # marks of a format whose files nothing else can be


@dataclass(frozen=True)
class FolderFormat:
    """A format of folders: `claims` says whether one is of it; `descend`, what lies below too."""

    program: str
    claims: Callable[[Path], bool]
    read: Callable[[Path, Wanted], Iterator[Log]]
    descend: bool = False
    follow: Follow | None = None


@dataclass(frozen=True)
class AddressFormat:
    """Where runs are asked for by an address that begins with `prefix` and a colon."""

    prefix: str
    example: str
    read: Callable[[str, Wanted, Watch], Iterator[Log]]
    follow: Callable[[str, str], Follower] | None = None


_FILES: dict[str, FileFormat] = {}
_FOLDERS: dict[str, FolderFormat] = {}
_ADDRESSES: dict[str, AddressFormat] = {}


def register(entry: FileFormat | FolderFormat | AddressFormat) -> None:
    """Register a format; the file that defines it calls this."""
    if isinstance(entry, FileFormat):
        _FILES[entry.program] = entry
    elif isinstance(entry, FolderFormat):
        _FOLDERS[entry.program] = entry
    else:
        _ADDRESSES[entry.prefix] = entry


@cache
def _load() -> None:
    for name in ("isoflop.sources.trackers", "isoflop.sources.training_logs"):
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{name}.{module.name}")


def file_formats() -> tuple[FileFormat, ...]:
    """Return every format of files."""
    _load()
    return tuple(_FILES.values())


def folder_formats() -> tuple[FolderFormat, ...]:
    """Return every format of folders."""
    _load()
    return tuple(_FOLDERS.values())


def address_formats() -> dict[str, AddressFormat]:
    """Return every format of addresses by its prefix."""
    _load()
    return dict(_ADDRESSES)


def certain_formats() -> tuple[FileFormat, ...]:
    """Return the formats of which one mark is enough: stores, and states of trainers."""
    return tuple(entry for entry in file_formats() if entry.kind == "store" or entry.certain)


def one_run(names: Mapping[str, str], wanted: str, source: object) -> str:
    """Return the key of the run that is wanted, by its name or key; "" wants the only one.

    Raises RefusedByData for several, UnknownName for a run that is not there.
    """
    if wanted:
        keys = [key for key, name in names.items() if wanted in (key, name)]
        if not keys:
            raise UnknownName("run", wanted, names.values())
        if len(keys) > 1:
            raise RefusedByData(f"{source} holds {len(keys)} runs called {wanted}: {keys[:8]}")
        return keys[0]
    if len(names) > 1:
        listing = ", ".join(list(names.values())[:8])
        raise RefusedByData(f"{source} holds {len(names)} runs ({listing}); say which: --run NAME")
    return next(iter(names))


def sample_of(path: Path) -> FileHead:
    """Return the head of a file.

    Raises BadRuns for what cannot be opened or is no file.
    """
    head = b""
    with opened(path) as file:
        try:
            while len(head) < SAMPLE and (piece := file.read(PIECE)):
                head += piece
        except (OSError, EOFError, ValueError) as reason:  # of a packed file that is cut
            if not head:
                raise BadRuns(f"cannot read {path}: {reason}") from None
    return FileHead(path, head)


def best_format(sample: FileHead) -> FileFormat | None:
    """Return the format of which a sample holds the most marks, None if it holds none of any."""
    scored = [(entry.score(sample), entry) for entry in file_formats()]
    score, entry = max(scored, key=lambda pair: pair[0])
    return entry if score > 0 else None


def opened(path: Path) -> IO[bytes]:
    """Open a file to be read as a stream, unpacked if it is gzip or Zstandard.

    Raises BadRuns for what cannot be opened, or is a pipe, a device or a folder.
    """
    refuse_strange(path)
    try:
        with path.open("rb") as file:
            packing = PACKED.get(file.read(4)[:2])
        if packing == "gzip":
            return gzip.open(path)  # type: ignore[return-value]
        if packing is None:
            return path.open("rb")
    except OSError as reason:
        raise BadRuns(f"cannot read {path}: {(reason.strerror or str(reason)).lower()}") from None
    import pyarrow as pa

    stream: IO[bytes] = pa.input_stream(str(path), compression=packing)
    return stream


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text as they come, numbered from 1, without colours.

    A line that a progress bar wrote over itself is several, of one number.
    Raises Damaged for a line that is no line of a log, and where a packed file ends too early.
    """
    with opened(path) as file:
        number = 0
        while True:
            try:
                data = file.readline(LONGEST)
            except (OSError, EOFError, ValueError) as reason:
                raise Damaged(f"{path} cannot be read after line {number:,}: {reason}") from None
            if not data:
                return
            if len(data) >= LONGEST:
                raise Damaged(f"{path}: line {number + 1:,} has more than {LONGEST:,} characters")
            number += 1
            text = data.decode("utf-8-sig" if number == 1 else "utf-8", "replace").rstrip("\r\n")
            if "\x1b" in text:
                text = _ESCAPES.sub("", text)
            for part in text.split("\r") if "\r" in text else (text,):
                yield number, part
