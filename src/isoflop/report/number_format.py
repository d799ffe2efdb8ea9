"""What every face of a report shares: the order of its blocks and how cells are written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.quantities import show
from isoflop.report.document import Block, Cell, Figure, Heading, Remark, Report, Table
from isoflop.terminal import NO_BREAK, escaped, printable

LABELS = {"info": "Note", "good": "Good", "doubt": "Doubt", "refused": "Refused"}
_WARNS = ("refused", "doubt")
_WHOLE = re.compile(r"[+-]?\d[\d,]*|\S+")
_DECIMALS = re.compile(r"\.\d+")
_INTERVAL = re.compile(r"\(\S+ to \S+\)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column as text: numbers come in two parts that meet at the decimal point."""

    name: str
    numeric: bool
    cells: tuple[tuple[str, str], ...]

    @property
    def tail(self) -> int:
        """The width [characters] of what stands right of the decimal point."""
        return max((len(after) for _, after in self.cells), default=0)

    def padded(self, width: int) -> tuple[str, ...]:
        """Return the cells; numbers with blanks to `width`, their decimal points in line."""
        if not self.numeric:
            return tuple(before for before, _ in self.cells)
        tail = self.tail
        whole = max(width - tail, *(len(before) for before, _ in self.cells), 0)
        return tuple(before.rjust(whole) + after.ljust(tail) for before, after in self.cells)

    def printable(self, plain: bool = False) -> Column:
        """Return the column in lines without what could command a terminal; `plain`: in ASCII."""

        def line(text: str) -> str:
            return printable(text, plain).replace("\n", " ")

        cells = tuple((line(before), line(after)) for before, after in self.cells)
        return Column(line(self.name), self.numeric, cells)


def in_reading_order(report: Report) -> tuple[tuple[Remark, ...], tuple[Block, ...]]:
    """Return the refusals and doubts, which come before any number, and then all other blocks.

    Remarks for information come last, under a heading of their own. None is made twice, nor is
    one for information or of success that the answer says in the same words.
    """
    notes = dict.fromkeys(b for b in report.blocks if isinstance(b, Remark))
    answer = _plain(report.answer)
    warns = sorted((n for n in notes if n.kind in _WARNS), key=lambda n: _WARNS.index(n.kind))
    news = {n: n.kind for n in notes if not answer.startswith(_plain(n.text))}
    remarks = [n for n, kind in news.items() if kind == "info"]
    rest = [b for b in report.blocks if not isinstance(b, Remark) or news.get(b) == "good"]
    if remarks:
        rest += [Heading("Notes"), *remarks]
    return tuple(warns), tuple(rest)


def _plain(sentence: str) -> str:
    """Return a sentence as it is compared: without a capital at its beginning or a full stop."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def columns(table: Table) -> tuple[Column, ...]:
    """Return the columns of a table, with numbers written for reading."""
    return tuple(
        _column(name, [row[i] for row in table.rows]) for i, name in enumerate(table.columns)
    )


def write(cell: Cell) -> str:
    """Return a cell as text: counts in full, other numbers to four digits, a gap as a dash.

    >>> write(4000), write(0.347812), write(7.0e10), write(None)
    ('4,000', '0.3478', '70B', '-')
    """
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int) and abs(cell) < 10**7:
        return f"{cell:,}"
    return cell if isinstance(cell, str) else show(float(cell), 4)


def with_unit(number: str, unit: str) -> str:
    """Return a number with its unit, if it has one.

    >>> with_unit("0.3", "1"), with_unit("90", "%"), with_unit("1.2B", "tokens")
    ('0.3', '90%', '1.2B tokens')
    """
    if unit in ("", "1"):
        return number
    return f"{number}{unit}" if unit == "%" else f"{number} {unit}"


def describe(figure: Figure) -> str:
    """Return in one sentence what a figure shows, for those who cannot see it."""
    parts = [f"{figure.title}: {figure.y.label} against {figure.x.label}"]
    names = dict.fromkeys(layer.name for layer in figure.layers)
    parts.append("shown are " + ", ".join(names) if names else "nothing is shown")
    if figure.extrapolates_from is not None:
        where = with_unit(show(figure.extrapolates_from), figure.x.unit)
        parts.append(f"extrapolation begins at {where}")
    return "; ".join(parts) + "."


def unbroken(text: str) -> str:
    """Return text in which no line may end within an interval such as (0.27 to 0.35)."""
    return _INTERVAL.sub(lambda found: found[0].replace(" ", NO_BREAK), text)


def _column(name: str, cells: list[Cell]) -> Column:
    present = [c for c in cells if c is not None]
    numeric = bool(present) and not any(isinstance(c, str | bool) for c in present)
    if not numeric:
        return Column(name, False, tuple((write(c), "") for c in cells))
    parts = [_at_the_point(write(c)) for c in cells]
    if len({rest for _, _, rest in parts}) > 1:
        # A letter such as k has a column of its own: the digits of 60k end where those of 9000 do.
        return Column(name, True, tuple((whole + tail, rest) for whole, tail, rest in parts))
    return Column(name, True, tuple((whole, tail + rest) for whole, tail, rest in parts))


def _at_the_point(text: str) -> tuple[str, str, str]:
    """Return what stands before the decimal point, from it to the last digit, and the rest."""
    matched = _WHOLE.match(text)
    cut = matched.end() if matched else len(text)
    tail = _DECIMALS.match(text, cut)
    end = tail.end() if tail else cut
    return text[:cut], text[cut:end], text[end:]


def as_json(data: Any) -> str:
    """Return the data of a report as the JSON text that every face gives."""
    return escaped(json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    """Return JSON data with null for what JSON cannot say: NaN and the infinities."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
