"""What systems differ in: flags of an open file, and locks."""

from __future__ import annotations

import os
from types import ModuleType

from isoflop.errors import EnvironmentFailure


def open_flags(*names: str) -> int:
    """Return flags of `os.open` by name, such as "RDONLY"; those a system lacks are left out.

    Windows has no links, pipes or inherited handles of this kind to guard against. Bytes are never
    translated.
    """
    flags = 0
    for name in (*names, "BINARY"):
        flags |= getattr(os, f"O_{name}", 0)
    return flags


def file_locks() -> ModuleType:
    """Return the module of file locks.

    Raises EnvironmentFailure on a system without it, as Windows, where studies are only read.
    """
    try:
        import fcntl
    except ImportError:
        raise EnvironmentFailure(
            "this system has no file locks (fcntl), without which a study cannot be written; "
            "train and write studies on Linux or macOS, or in WSL"
        ) from None
    return fcntl
