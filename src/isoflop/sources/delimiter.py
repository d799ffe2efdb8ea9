"""What parts the cells of a text table: told by many lines, since a comma is a decimal mark too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

LINES = 40  # that tell the delimiter
SPACE = " "  # runs of spaces, as numpy.savetxt and a console write them
_MARKS = ("\t", ";", "|", ",")  # of marks that part all lines alike, the first is meant
_QUOTED = re.compile(r'"[^"]*"')


def sampled(body: str) -> list[str]:
    """Return the first lines of a text that hold something, without what stands in quotes."""
    lines: list[str] = []
    for match in re.finditer(r"[^\r\n]+", body):
        if match[0].strip():
            lines.append(_QUOTED.sub('""', match[0]))
        if len(lines) == LINES:
            break
    return lines


def delimiter_of(lines: Sequence[str], extension: str = "") -> str:
    """Return what parts the cells of lines: the mark that parts most of them into as many.

    >>> delimiter_of(["N, M;D, B;L", "45;2;4,69", "70;4;4,28"]), delimiter_of(["N D", "1 2"])
    (';', ' ')
    """
    if extension == ".tsv" and any("\t" in line for line in lines):
        return "\t"
    votes = {mark: _agreement(lines, mark) for mark in _MARKS}
    best = max(_MARKS, key=lambda mark: votes[mark])
    if votes[best]:
        return best
    widths = Counter(len(line.lstrip("#").split()) for line in lines)
    width, count = widths.most_common(1)[0] if widths else (1, 0)
    return SPACE if width > 1 and count == len(lines) > 1 else ","


def _agreement(lines: Sequence[str], mark: str) -> int:
    """Return how many lines hold a mark as often as most that hold it do."""
    counts = Counter(line.count(mark) for line in lines)
    counts.pop(0, None)
    return max(counts.values(), default=0)


def width_of(lines: Sequence[str], mark: str) -> int:
    """Return into how many cells a mark parts most lines."""
    counts = Counter(cells_in(line, mark) for line in lines)
    return max(counts, key=lambda width: (counts[width], width), default=1)


def cells_in(line: str, mark: str) -> int:
    """Return into how many cells a mark parts a line that has nothing in quotes."""
    return len(line.lstrip("#").split()) if mark == SPACE else line.count(mark) + 1
