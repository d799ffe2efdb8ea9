"""How a table is set in a given width: numbers stay whole, words wrap, no column is left out.

Tried in turn: the headers break into lines; columns move closer; long texts break; and where no
width would do, the table is set in parts, each of which repeats the first column.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from isoflop.report.number_format import Column, unbroken
from isoflop.terminal import NO_BREAK

GAPS = (3, 2)  # blanks between two columns
HEADER = 4  # lines of a header, at most, before texts below it break
HANG = 2  # blanks before what goes on in the first column, so that rows can be told apart
ENDS = ("low", "high")
TALL = 2  # lines of a row, on average, beyond which rows are set apart


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Columns side by side with their widths [characters]: a table, or a part of one."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    gap: int

    @property
    def width(self) -> int:
        """The width [characters] of the whole."""
        return sum(self.widths) + self.gap * (len(self.widths) - 1)

    def header(self) -> Iterator[str]:
        """Yield the lines of the header; its last line stands on the rule."""
        names = [_wrap(c.name, w) for c, w in zip(self.columns, self.widths, strict=True)]
        high = max(map(len, names))
        numeric = [column.numeric for column in self.columns]
        return self._lines([[""] * (high - len(name)) + name for name in names], numeric)

    def rows(self) -> Iterator[str]:
        """Yield the lines of the rows; a blank one lies between rows that are tall."""
        cells = [self._cells(i) for i in range(len(self.columns))]
        rows = [list(row) for row in zip(*cells, strict=True)]
        tall = sum(max(map(len, row)) for row in rows) > TALL * len(rows)
        for i, row in enumerate(rows):
            if tall and i:
                yield ""
            yield from self._lines(row, [False] * len(row))

    def _cells(self, i: int) -> list[list[str]]:
        """Return the cells of a column in lines."""
        column, width = self.columns[i], self.widths[i]
        if column.numeric:
            return [[cell] for cell in column.padded(width)]
        return [_wrap(cell, width, HANG * (i == 0)) for cell in column.padded(0)]

    def _lines(self, cells: Sequence[list[str]], right: Sequence[bool]) -> Iterator[str]:
        """Yield the lines of cells that stand side by side."""
        for n in range(max(map(len, cells))):
            parts = [cell[n] if n < len(cell) else "" for cell in cells]
            yield (" " * self.gap).join(map(_filled, parts, self.widths, right)).rstrip()


def settings(columns: Sequence[Column], width: int) -> list[ColumnLayout]:
    """Return the table in a width [characters]: in one, or in parts that fit one below the other.

    Wider than asked is only what cannot be narrower: two columns of numbers, for instance.
    """
    if whole := _fit(columns, width):
        return [whole]
    keys = _keys(columns, width)
    parts = [keys]
    for group in _groups(columns[len(keys) :]):
        together = bool(_fit([*keys, *group], width))
        for piece in [group] if together else [[column] for column in group]:
            if len(parts[-1]) > len(keys) and not _fit([*parts[-1], *piece], width):
                parts.append(keys)
            parts[-1] = [*parts[-1], *piece]
    return [_fit(part, width) or _narrowest(part) for part in parts]


def _groups(columns: Sequence[Column]) -> list[list[Column]]:
    """Return the columns, the ends of an interval in one group with what they are ends of."""
    groups: list[list[Column]] = []
    for column in columns:
        if groups and column.name in ENDS:
            groups[-1].append(column)
        else:
            groups.append([column])
    return groups


def _keys(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns that every part repeats: the first, and those that tell its rows apart."""
    for count in range(1, len(columns)):
        keys = list(columns[:count])
        if len(set(zip(*(key.cells for key in keys), strict=True))) == len(keys[0].cells):
            half = _narrowest(keys).width <= width // 2
            return keys if half else keys[:1]
    return list(columns[:1])


def _fit(columns: Sequence[Column], width: int) -> ColumnLayout | None:
    """Return the columns side by side within a width, or None where that cannot be."""
    cells = [_widest(column) for column in columns]
    for gap in GAPS:
        room = width - gap * (len(columns) - 1)
        for high in range(1, HEADER + 1):
            heads = [_header(column.name, high) for column in columns]
            widths = [max(pair) for pair in zip(cells, heads, strict=True)]
            if sum(widths) <= room:
                return ColumnLayout(tuple(columns), tuple(widths), gap)
    for floor in (_words, _pieces):
        if layouts := [f for gap in GAPS if (f := _broken(columns, width, gap, floor))]:
            return min(layouts, key=lambda f: _height(_texts(f.columns), f.widths))
    return None


def _broken(
    columns: Sequence[Column], width: int, gap: int, floor: Callable[[str], int]
) -> ColumnLayout | None:
    """Return the columns with texts that break where it costs the fewest lines; None if too wide.

    `floor` gives the least width of a text.
    """
    least = [_least(column, floor, i == 0) for i, column in enumerate(columns)]
    widths = [max(_widest(c), low) for c, low in zip(columns, least, strict=True)]
    room = width - gap * (len(columns) - 1)
    if sum(least) > room:
        return None
    texts = _texts(columns)
    while sum(widths) > room:
        candidates = []
        for i in range(len(columns)):
            if widths[i] > least[i]:
                cut = [w - (j == i) for j, w in enumerate(widths)]
                candidates.append((_height(texts, cut), -widths[i], cut))
        widths = min(candidates)[-1]
    return ColumnLayout(tuple(columns), tuple(widths), gap)


def _texts(columns: Sequence[Column]) -> dict[int, tuple[str, ...]]:
    """Return the cells of each column of texts by its place; of a long table, some rows."""
    step = max(1, len(columns[0].cells) // 60)
    return {i: c.padded(0)[::step] for i, c in enumerate(columns) if not c.numeric}


def _height(texts: Mapping[int, Sequence[str]], widths: Sequence[int]) -> int:
    """Return how many lines the rows take."""
    lines = ([len(_wrap(cell, widths[i], HANG * (i == 0))) for cell in texts[i]] for i in texts)
    return sum(map(max, zip(*lines, strict=True)))


def _narrowest(columns: Sequence[Column]) -> ColumnLayout:
    widths = tuple(_least(column, _pieces, i == 0) for i, column in enumerate(columns))
    return ColumnLayout(tuple(columns), widths, GAPS[-1])


def _least(column: Column, floor: Callable[[str], int], first: bool) -> int:
    """Return the least width of a column: its numbers are whole, its texts and name may break."""
    if column.numeric:
        return max(_words(column.name), _widest(column))
    least = max((floor(text) for text in column.padded(0)), default=0)
    hung = HANG * (first and least < _widest(column))
    return max(_words(column.name), least + hung)


def _widest(column: Column) -> int:
    """Return the width of the widest cell, set in one line."""
    return max((cell_len(cell) for cell in column.padded(0)), default=0)


def _header(name: str, high: int) -> int:
    """Return the least width at which a name takes no more than `high` lines."""
    least = _words(name)
    return next(
        (w for w in range(least, cell_len(name)) if len(_wrap(name, w)) <= high),
        max(least, cell_len(name)),
    )


def _words(text: str) -> int:
    """Return the width of the longest word, which an interval is, too."""
    return max(map(cell_len, unbroken(text).split(" ")))


def _pieces(text: str) -> int:
    """Return the least width at which a text is still read: long words break."""
    return min(_words(text), 16)


@functools.lru_cache(maxsize=4096)
def _wrap(text: str, width: int, hang: int = 0) -> list[str]:
    """Return a text in lines of a width; words break only where they are longer than that."""
    content = unbroken(text)
    if cell_len(content) <= width:
        return [text]
    narrow = max(1, width * len(content) // cell_len(content))  # where characters take two cells
    hang = hang if _words(text) + hang <= width else 0
    lines = _Wrapper(
        narrow, subsequent_indent=" " * hang, break_on_hyphens=_words(text) > width
    ).wrap(content)
    return [line.replace(NO_BREAK, " ") for line in lines] or [""]


class _Wrapper(textwrap.TextWrapper):
    """Long words break after a hyphen, a comma or a slash, as in revision/n=16,chain=4."""

    wordsep_re = re.compile(r"(\s+)|(?<=\S[-,/])(?=\S)")


def _filled(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks
