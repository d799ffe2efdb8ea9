"""How isoflop writes files: whole or not at all, hashed, and with the version of the code."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypeAlias

from isoflop.errors import EnvironmentFailure, UsageError

# What json can write. Lists and mappings are read-only here, so that narrower types fit.
JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


def canonical(document: JSON) -> str:
    """Return the one JSON text of a document: sorted keys, no spaces, finite numbers.

    Raises UsageError for what JSON cannot hold, NaN and infinity included.
    """
    try:
        return json.dumps(
            document, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"a document must be JSON with finite numbers: {error}") from None


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """Return the time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@functools.cache
def code_version() -> str:
    """Return the package's version and, in a checkout, the commit and whether it is changed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        package = version("isoflop")
    except PackageNotFoundError:
        package = "unknown"
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return package
    describe = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        said = subprocess.run(describe, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return package
    return f"{package}+{said.stdout.strip()}"


def write_atomically(
    path: Path, write: Callable[[IO[bytes]], object], *, sync: bool = True
) -> None:
    """Let `write` fill a file that appears under `path` whole or not at all.

    Raises EnvironmentFailure for a full disk and the like; what was there stays.
    """
    path = path.resolve()  # a link stays a link
    rough = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as handle:  # a pipe or a terminal has no whole to keep
                write(handle)
            return
        try:
            with rough.open("wb") as handle:
                write(handle)
                handle.flush()
                if sync:
                    os.fsync(handle.fileno())
            rough.replace(path)
        except BaseException:
            rough.unlink(missing_ok=True)
            raise
        if sync:
            sync_folder(path.parent)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn failures of the system while writing `path` into EnvironmentFailure."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            why = "the disk is full; free some space and run this again"
        else:
            why = (error.strerror or str(error)).lower()
        raise EnvironmentFailure(f"cannot write {path}: {why}; what was there is kept") from error


def _plain(value: object) -> JSON:
    """Let read-only mappings and other iterables be written."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} {value!r} is not JSON")


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
