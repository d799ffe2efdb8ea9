"""Which columns of a table of models are benchmarks, and their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.errors import UsageError

if TYPE_CHECKING:
    pass


def listed(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that texts hold, with commas between."""
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def share(text: str | None) -> float | None:
    """Return the share that --floor writes, of which 0 is one; None if it was not given.

    Raises UsageError for what is none.
    """
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"--floor is {text!r}; it must be a share such as 0.25") from None
    if not 0 <= value < 1:
        raise UsageError(f"--floor is {value:g}; a guess scores from 0 to below 1")
    return value
