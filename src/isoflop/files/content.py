"""Files are measured before they are read; what is no file, such as a pipe, is refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from isoflop.errors import BadRuns, IsoflopError
from isoflop.files.system import open_flags
from isoflop.quantities import parse

SETTING = "ISOFLOP_LARGEST_FILE"
STANDARD = 100_000_000  # [bytes] of a file that is read as a whole, as it lies and expanded

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def largest() -> int:
    """Return the most that a file may hold, as it lies and expanded [bytes].

    The environment variable ISOFLOP_LARGEST_FILE sets it, as in 2G.
    Raises UsageError for a setting that is no number above zero.
    """
    setting = os.environ.get(SETTING, "").strip()
    return int(parse(setting.removesuffix("B"), SETTING)) if setting else STANDARD


def shown_size(size: float) -> str:
    """Return a size [bytes] in words.

    >>> shown_size(1_500_000_000), shown_size(2048)
    ('1.5 GB', '2.05 kB')
    """
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} bytes"


class TooLarge(ValueError):
    """A part of a file, such as a member of an archive, that passes the limit."""


def beyond_limit() -> str:
    """Return why a part of a file that passes the limit is left out, and how to raise it."""
    return f"it passes the limit of {shown_size(largest())} ({SETTING}=2G raises it)"


def too_large(what: str, size: float) -> str:
    """Return the sentence about a file, or a part of one, that passes the limit."""
    return (
        f"{what} {shown_size(size)}, and {shown_size(largest())} is the limit; leave out what is "
        f"not needed, or raise the limit if the memory is there: {SETTING}=2G"
    )


def read_content(
    path: Path, error: type[IsoflopError] = BadRuns, *, limit: int | None = None
) -> bytes:
    """Return what a file holds, of at most `limit` bytes, which is that of the setting if None.

    Raises `error` for a file that cannot be opened, is larger, or is a pipe, a device or a folder.
    """
    try:
        handle = os.open(path, open_flags("RDONLY", "NONBLOCK", "CLOEXEC"))
    except ValueError as reason:
        raise error(f"{str(path)!r} is not the name of a file: {reason}") from None
    except OSError as reason:
        raise error(_unopened(path, reason)) from None
    with os.fdopen(handle, "rb") as file:
        _refuse_strange(path, file.fileno(), error)
        most = largest() if limit is None else limit
        try:
            size = os.fstat(file.fileno()).st_size
            data = b"" if size > most else file.read(most + 1)
        except OSError as reason:
            raise error(f"cannot read {path}: {_why(reason)}") from None
    if max(size, len(data)) > most:
        raise error(too_large(f"{path} holds", max(size, len(data))))
    return data


def read_text(
    path: Path,
    error: type[IsoflopError] = BadRuns,
    *,
    limit: int | None = None,
    errors: str = "strict",
) -> str:
    """Return what a file of UTF-8 holds, as `read_content` does.

    Raises `error` besides for what is not UTF-8, unless `errors` says how to go on.
    """
    data = read_content(path, error, limit=limit)
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as reason:
        raise error(
            f"{path} is not UTF-8: byte {data[reason.start]:#x} at {reason.start:,}"
        ) from None


def refuse_strange(path: Path, error: type[IsoflopError] = BadRuns) -> None:
    """Refuse what is there but is no file, before something opens it and waits for ever.

    Raises `error` for a pipe, a device, a socket or a folder, and for what cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except ValueError as reason:
        raise error(f"{str(path)!r} is not the name of a file: {reason}") from None
    except OSError as reason:
        raise error(_unopened(path, reason)) from None
    _refuse_mode(path, mode, error)


def _refuse_strange(path: Path, handle: int, error: type[IsoflopError]) -> None:
    _refuse_mode(path, os.fstat(handle).st_mode, error)


def _refuse_mode(path: Path, mode: int, error: type[IsoflopError]) -> None:
    for is_one, kind in _KINDS:
        if is_one(mode):
            todo = "name a file in it" if kind == "a folder" else "save it as a file first"
            raise error(f"cannot read {path}: it is {kind}, not a file; {todo}")


def _unopened(path: Path, reason: OSError) -> str:
    if isinstance(reason, FileNotFoundError):
        return f"there is no file {str(path)!r}"
    if reason.errno == errno.ENXIO:
        return (
            f"cannot read {path}: it is a socket or a device, not a file; save it as a file first"
        )
    return f"cannot read {path}: {_why(reason)}"


def _why(reason: OSError) -> str:
    return (reason.strerror or str(reason)).lower()
