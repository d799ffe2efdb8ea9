"""The folder that is served: which files of runs, studies, fits and logs lie in it."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from isoflop.errors import UsageError, brief
from isoflop.web.confinement import refuse_outside

if TYPE_CHECKING:
    from isoflop.runs import Runs

Kind: TypeAlias = Literal["runs", "study", "sample"]
Texts: TypeAlias = Mapping[str, Sequence[str]]

TABLES = frozenset({".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json"})
CATALOGUE = "study.db"
DEEP, MOST = 3, 500  # folders below the one that is served, and entries that are listed
SAMPLE = "sample:"
READING = ("where", "columns", "derive", "convention", "unit")  # options by which runs are read
_PIECES = re.compile(r"[=,]")


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """Something in the folder that a view can be opened on; `size` [bytes] of a file."""

    name: str
    kind: Kind
    size: int = 0
    modified: float = 0.0


@dataclass(frozen=True)
class Workspace:
    """The folder `root`, which is also the folder the process works in; `scratch` is its own."""

    root: Path
    scratch: Path
    _runs: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the tables that were read last."""
        object.__setattr__(self, "_runs", functools.lru_cache(maxsize=16)(_read))

    def entries(self) -> tuple[FolderEntry, ...]:
        """Return the runs and studies of the folder, the newest first."""
        listed = []
        for entry in _walk(self.root, self.root, DEEP):
            listed.append(entry)
            if len(listed) == MOST:
                break
        return tuple(sorted(listed, key=lambda e: -e.modified))

    def samples(self) -> tuple[FolderEntry, ...]:
        """Return the samples that come with isoflop."""
        from isoflop.sources import sample_names

        return tuple(FolderEntry(f"{SAMPLE}{name}", "sample") for name in sample_names())

    def check(self, texts: Texts) -> None:
        """Refuse texts of a request that name what lies outside. Raises UsageError."""
        for text in (text for several in texts.values() for text in several):
            for piece in {text, *_PIECES.split(text)}:
                refuse_outside(piece.strip(), self.root)

    def stamp(self, texts: Texts) -> tuple[tuple[str, int, int], ...]:
        """Return size and time of change of every file that a request names."""
        words = sorted({text for several in texts.values() for text in several})
        stamps = ((word, _stamp(self.root / word)) for word in words if len(word) < 1000)
        return tuple((word, *stamp) for word, stamp in stamps if stamp)

    def runs(self, source: str, texts: Texts) -> Runs:
        """Return the runs of a source as the options among `texts` read them.

        Raises what `isoflop.sources.read` raises, UsageError for a source outside of the folder.
        """
        chosen = {name: tuple(texts[name]) for name in READING if texts.get(name)}
        self.check({"runs": [source], **chosen})
        runs: Runs = self._runs(source, tuple(chosen.items()), self.stamp({"runs": [source]}))
        return runs

    def digest(self, texts: Texts) -> str:
        """Return the SHA-256 of the files that a request names, in hex; "" if it names none."""
        total, named = hashlib.sha256(), False
        for word, _, _ in self.stamp(texts):
            path = self.root / word
            for file in [path] if path.is_file() else sorted(path.glob(CATALOGUE)):
                named = True
                with file.open("rb") as stream:
                    total.update(hashlib.file_digest(stream, "sha256").digest())
        return total.hexdigest() if named else ""


def _read(source: str, chosen: tuple[tuple[str, tuple[str, ...]], ...], stamp: object) -> Runs:
    from isoflop import commands
    from isoflop.sources import read

    parameters = {p.name: p for p in commands.every()["runs show"].parameters}
    values = {name: parameters[name].read(texts) for name, texts in chosen}
    return read(
        source,
        where=values.get("where"),
        columns=values.get("columns"),
        derive=values.get("derive", ()),
        conventions=values.get("convention"),
        units=values.get("unit"),
    )


def _walk(folder: Path, root: Path, deep: int) -> Iterator[FolderEntry]:
    """Yield what lies in a folder; links are not followed, hidden files not shown."""
    try:
        names = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError:
        return
    for item in names:
        name = Path(item.path).relative_to(root).as_posix()
        if item.name.startswith(".") or item.is_symlink() or not name.isprintable():
            continue
        if item.is_dir():
            if (Path(item.path) / CATALOGUE).is_file():
                yield _entry(name, "study", Path(item.path) / CATALOGUE)
            elif deep:
                yield from _walk(Path(item.path), root, deep - 1)
        elif item.is_file() and Path(item.name).suffix.lower() in TABLES:
            yield _entry(name, "runs", Path(item.path))


def _entry(name: str, kind: Kind, path: Path) -> FolderEntry:
    status = path.stat()
    return FolderEntry(name, kind, status.st_size, status.st_mtime)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(status.st_mode):
        return _stamp(path / CATALOGUE)
    return status.st_size, status.st_mtime_ns


def safe_name(name: str) -> str:
    """Return a name that a browser sent for a file, as a file of the folder may have it.

    Raises UsageError for one that is no plain name of a table.
    """
    plain = re.split(r"[/\\]", name)[-1].strip()
    if not plain.isprintable() or plain.startswith(".") or not 0 < len(plain) <= 120:
        raise UsageError(f"{brief(name)} is no name for a file here; rename it")
    if Path(plain).suffix.lower() not in TABLES:
        raise UsageError(
            f"{brief(plain)} is no table of runs; {', '.join(sorted(TABLES))} are read, and "
            "'isoflop import' turns the logs of other programs into one"
        )
    return plain
