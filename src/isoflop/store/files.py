"""What is written down: one text for one document, its hash, the time, the version of the code."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from isoflop.errors import UsageError

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
        process = subprocess.run(describe, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return package
    return f"{package}+{process.stdout.strip()}"


def _plain(value: object) -> JSON:
    """Let read-only mappings and other iterables be written."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} {value!r} is not JSON")
