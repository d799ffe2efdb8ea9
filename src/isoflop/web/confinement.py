"""What an answer may touch: files below the folder that is served, and no network or program.

Texts of a request are held against the folder before a command sees them. While it runs, Python's
own audit events are a second door: they stop what a file leads to, such as a path written in it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path, PureWindowsPath
from typing import Any

from isoflop.errors import UsageError, brief

_ROOTS: ContextVar[tuple[Path, ...]] = ContextVar("roots", default=())
_STARTS_OTHERS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
_REACHES_OUT = ("socket.connect", "socket.sendto", "urllib.Request", "ftplib.connect")
_OPENS = ("open", "sqlite3.connect")
_SCHEMES = ("http:", "https:", "file:", "ftp:", "data:", "wandb:", "mlflow:", "s3:", "gs:", "hf:")
_hooked = False


def refuse_outside(text: str, root: Path) -> None:
    """Refuse a text of a request that names what lies outside of `root`, or another machine.

    A path counts with its links resolved. Raises UsageError.
    """
    if "://" in text or text.lower().lstrip().startswith(_SCHEMES):
        raise UsageError(
            f"{brief(text)} names another place, and the workbench only reads the files of its "
            "folder; run this at the terminal, or save the file here first"
        )
    windows = PureWindowsPath(text)
    climbs = ".." in windows.parts or bool(windows.drive) or text.startswith(("\\", "~"))
    if "\0" in text or climbs or not _lies_below(root / text, root):
        raise UsageError(
            f"{brief(text)} lies outside of the folder that the workbench serves; start it with "
            "'isoflop ui FOLDER' for the folder that holds this file"
        )


def _lies_below(path: Path, root: Path) -> bool:
    """Return whether a path, its links resolved, is below `root`."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # a loop of links, or no name of a file at all
        return not os.path.lexists(path)


@contextlib.contextmanager
def confined(*roots: Path) -> Iterator[None]:
    """Let the block open files below `roots` alone, reach no other machine and start no program."""
    _hook()
    token = _ROOTS.set(tuple(root.resolve() for root in roots))
    try:
        yield
    finally:
        _ROOTS.reset(token)


def _hook() -> None:
    global _hooked
    if not _hooked:
        _own_places()  # asked now: a first search for the temporary folder opens files in it
        _hooked = True
        sys.addaudithook(_audit)  # it stays with the process; outside of a block it does nothing


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    roots = _ROOTS.get()
    if not roots:
        return
    if event in _STARTS_OTHERS:
        raise UsageError(
            "this would start another program, which the workbench does not; run it at the terminal"
        )
    if event in _REACHES_OUT:
        raise UsageError(
            "this would reach another machine, which the workbench does not; run it at the terminal"
        )
    if event in _OPENS and isinstance(arguments[0], str | bytes | os.PathLike):
        path = Path(os.fsdecode(arguments[0]).removeprefix("file:").partition("?")[0])
        if not any(_lies_below(path, place) for place in (*roots, *_own_places())):
            raise UsageError(f"{brief(str(path))} lies outside of the folder that is served")


_places: tuple[Path, ...] = ()


def _own_places() -> tuple[Path, ...]:
    """Return where Python, its libraries and its system keep what they open by themselves."""
    global _places
    if not _places:
        paths: Iterable[str] = (
            *(p for p in sys.path if p and Path(p) != Path.cwd()),
            *sysconfig.get_paths().values(),
            *(sys.prefix, sys.base_prefix, str(Path(__file__).parents[1])),
            *(
                "/proc",
                "/sys",
                "/dev/null",
                "/dev/urandom",
                "/usr/share/zoneinfo",
                "/etc/localtime",
            ),
        )
        _places = tuple(
            {Path(p).resolve() for p in paths} - {Path("/"), Path(tempfile.gettempdir())}
        )
    return _places
