"""The sentence that a page begins with: the answer, its interval, and its worst doubt."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from isoflop.quantities import show
from isoflop.report import Block, Remark

LONGEST = 130  # characters of a doubt within a sentence
DIGITS = 3  # of a number with no interval that would ask for more
MOST_DIGITS = 6
_CLAUSE = re.compile(r"; |\. ")


def answered(sentence: str, blocks: Iterable[Block]) -> str:
    """Return a sentence with the worst doubt among the blocks of its page, and a full stop.

    >>> answered("Loss 1.97", (Note("few runs; make more", "doubt"),))
    'Loss 1.97; doubtful: few runs.'
    """
    notes = [block for block in blocks if isinstance(block, Remark)]
    for kind, word in (("refused", "refused"), ("doubt", "doubtful")):
        if worst := next((note for note in notes if note.kind == kind), None):
            reason = clause(worst.text)
            return f"{sentence}; {word}: {reason}" + "." * (not reason.endswith("..."))
    return f"{sentence}."


def clause(text: str) -> str:
    """Return the first clause of a note, cut between two words where it is long."""
    first = _CLAUSE.split(text.strip(), maxsplit=1)[0]
    first = first if first.endswith("...") else first.rstrip(".,")
    if len(first) <= LONGEST:
        return first
    return first[:LONGEST].rsplit(" ", 1)[0].rstrip(",:") + " ..."


def estimate(value: float, low: float | None = None, high: float | None = None) -> str:
    """Return a number with its interval, to as many digits as the interval is worth.

    >>> estimate(1.9712, 1.9688, 1.9731), estimate(7.2e10)
    ('1.971 [1.969, 1.973]', '72B')
    """
    if low is None or high is None or not math.isfinite(low + high):
        return show(value, DIGITS)
    digits = _digits(value, high - low)
    return f"{show(value, digits)} [{show(low, digits)}, {show(high, digits)}]"


def estimated(item: Any) -> str:
    """Return what has a value, low and high as `estimate` writes it."""
    return estimate(item.value, item.low, item.high)


def times_beyond(beyond: float | None) -> str:
    """Return how far an answer lies beyond the runs, as the end of a sentence; "" if it does not.

    >>> times_beyond(4.42), times_beyond(1.0)
    (', 4.42 times beyond the runs', '')
    """
    return f", {show(beyond)} times beyond the runs" if beyond is not None and beyond > 1 else ""


def _digits(value: float, width: float) -> int:
    """Return how many digits of a value its interval is worth."""
    if not (value and width > 0 and math.isfinite(value)):
        return DIGITS
    return min(MOST_DIGITS, max(DIGITS, math.ceil(math.log10(abs(value) / width)) + 1))
