"""Files that appear whole or not at all, and what the system says where they cannot."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.files.system import open_flags

PATIENCE = 5.0  # [s] until somebody reads from a pipe
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# A new file of ours: never one that is there already, nor one that a link points to.
_NEW = open_flags("WRONLY", "CREAT", "EXCL", "NOFOLLOW", "CLOEXEC")


def write_atomically(
    path: Path, write: Callable[[IO[bytes]], object], *, sync: bool = True
) -> None:
    """Let `write` fill a file that appears under `path` whole or not at all.

    A file that is replaced keeps its mode, a link stays a link. A pipe or a device is written to
    as it is.
    Raises UsageError for what cannot be the name of a file, EnvironmentFailure for a folder, a full
    disk and the like; what was there stays.
    """
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        _fill(path, write)
        return
    with writing(path):
        target = path.resolve()
        rough = target.with_name(f".{secrets.token_hex(8)}.part")
        handle = os.open(rough, _NEW, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                if mode is not None:
                    rough.chmod(stat.S_IMODE(mode))
                write(file)
                file.flush()
                if sync:
                    os.fsync(handle)
            rough.replace(target)
        except BaseException:
            rough.unlink(missing_ok=True)
            raise
        if sync:
            sync_folder(target.parent)


def _mode(path: Path) -> int | None:
    """Return the mode of what is at `path`, None for nothing.

    Raises EnvironmentFailure for a folder, UsageError for what cannot be the name of a file.
    """
    try:
        with writing(path):
            mode = path.stat().st_mode
    except EnvironmentFailure as failure:
        if isinstance(failure.__cause__, FileNotFoundError):
            return None
        raise
    except ValueError as error:
        raise UsageError(f"{str(path)!r} is not the name of a file: {error}") from None
    if stat.S_ISDIR(mode):
        raise EnvironmentFailure(f"cannot write {path}: it is a directory; name a file in it")
    return mode


def _fill(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write into a pipe or a device, which has no whole to keep, if anybody reads from it."""
    with writing(path), os.fdopen(_opened(path), "wb") as file:
        write(file)


def _opened(path: Path) -> int:
    """Return a handle of a pipe or a device; a pipe that nobody reads is not waited for long."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            handle = os.open(path, open_flags("WRONLY", "NONBLOCK", "CLOEXEC"))
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            os.set_blocking(handle, True)
            return handle


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn failures of the system while writing `path` into EnvironmentFailure."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write {path}: {_why(error)}; what was there is kept"
        ) from error
    except RuntimeError as error:
        if "loop" not in str(error).lower():
            raise
        raise EnvironmentFailure(f"cannot write {path}: its links lead in a circle") from error


def _why(error: OSError) -> str:
    if error.errno in _FULL:
        return "the disk is full; free some space and run this again"
    if error.errno == errno.ENXIO:
        return "nobody reads from it"
    if error.errno == errno.ENAMETOOLONG:
        return "its name is too long; name it in 255 bytes at most"
    return (error.strerror or str(error)).lower()


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where a folder can be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, open_flags("RDONLY", "CLOEXEC"))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
