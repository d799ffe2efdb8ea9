"""How numbers are written in cells: decimal marks, thousands, suffixes, per cent.

A comma is a decimal mark in one file and parts thousands in another. A whole column tells which,
unless every cell has the form d,ddd; then its file may tell, or else nobody can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Flag, auto
from typing import NoReturn

from isoflop.errors import BadRuns, brief
from isoflop.sources.units import cell_factor

_SPACES = "\u0020\u00a0\u2009\u202f'’_"
_CELL = re.compile(
    rf"[~≈]?\s*(?P<sign>[+\-−]?)(?P<digits>\d[\d.,{_SPACES}]*\d|\d\.?|[.,]\d+)"
    r"(?P<exponent>[eE][+\-−]?\d+|\s?[x×·*]\s?10\s?(?:\^|\*\*)\s?[+\-−]?\d+)?"
    r"\s*(?P<suffix>[^\d\s.,+\-−][^,]*)?",
    re.ASCII,
)
# What may follow a number: how far it is known, as 4.69 ± 0.01, 4.69 (0.01) and 4.69(1).
UNCERTAINTY = r"\s*(?:(?:±|\+/?[-−])\s*[\d.,]+|\(\s*±?\s*[\d.,]+\s*\))\s*$"
_SPACED = re.compile(rf"\d{{1,3}}(?:([{_SPACES}])\d{{3}})(?:\1\d{{3}})*(?:[.,]\d+)?")


class Evidence(Flag):
    """What the cells of a column, or of a file, say of its marks."""

    NONE = 0
    POINT = auto()  # a decimal point, or commas between thousands
    COMMA = auto()  # a decimal comma, or points between thousands
    OPEN_COMMA = auto()  # 4,693 may be either
    OPEN_POINT = auto()  # 4.693 is a decimal point unless the file has decimal commas


@dataclass(frozen=True, slots=True)
class Marks:
    """The mark before decimals, and the mark between thousands."""

    decimal: str
    thousands: str


POINT, COMMA = Marks(".", ","), Marks(",", ".")


def evidence_in(texts: Iterable[str]) -> Evidence:
    """Return what cells say of their marks, all together; those that are no numbers say nothing."""
    total = Evidence.NONE
    for text in texts:
        if match := _CELL.fullmatch(text.strip()):
            total |= _evidence(match)
    return total


def _evidence(match: re.Match[str]) -> Evidence:
    digits = match["digits"]
    commas, points = digits.count(","), digits.count(".")
    if not commas and not points:
        return Evidence.NONE
    if commas and points:
        last_is_point = digits.rfind(".") > digits.rfind(",")
        return Evidence.POINT if last_is_point else Evidence.COMMA
    mark, count = (",", commas) if commas else (".", points)
    if count > 1:
        return Evidence.POINT if mark == "," else Evidence.COMMA
    open_form = re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits) and not match["exponent"]
    if open_form:
        return Evidence.OPEN_COMMA if mark == "," else Evidence.OPEN_POINT
    return Evidence.COMMA if mark == "," else Evidence.POINT


def marks_of(column: Evidence, file: Evidence = Evidence.NONE) -> Marks | None:
    """Return the marks of a column by its own cells, else by its file; None if nothing tells."""
    for evidence in (column, file):
        sides = evidence & (Evidence.POINT | Evidence.COMMA)
        if sides == Evidence.POINT:
            return POINT
        if sides == Evidence.COMMA:
            return COMMA
        if sides:
            return None
    return None if Evidence.OPEN_COMMA in column else POINT


def number_in(text: str, marks: Marks) -> float | None:
    """Return the number that a cell writes, None where it writes none.

    >>> number_in("1,234.5", POINT), number_in("0,225B", COMMA), number_in("54.3%", POINT)
    (1234.5, 225000000.0, 0.543)
    """
    match = _CELL.fullmatch(text.strip())
    if match is None:
        return None
    digits = _plain(match["digits"], marks)
    factor = cell_factor(match["suffix"] or "")
    if digits is None or factor is None:
        return None
    sign = "-" if match["sign"] in ("-", "−") else ""
    value = float(f"{sign}{digits}{_exponent(match['exponent'] or '')}") * factor
    # 225 M is 225000000, and not 225000000.00000003.
    return float(f"{value:.15g}") if factor != 1 else value


def _exponent(text: str) -> str:
    return (
        "e" + text.replace("−", "-").rstrip().split("^")[-1].split("*")[-1].lstrip("eE ")
        if text
        else ""
    )


def _plain(digits: str, marks: Marks) -> str | None:
    """Return digits with a decimal point and nothing else, None where groups are not of three."""
    if any(c in _SPACES for c in digits):
        if "_" in digits and re.fullmatch(r"[\d_]+(\.\d*)?", digits):
            return digits.replace("_", "")
        if not _SPACED.fullmatch(digits):
            return None
        digits = re.sub(f"[{_SPACES}]", "", digits)
    whole, _, decimals = digits.partition(marks.decimal)
    if marks.decimal in decimals or marks.thousands in decimals:
        return None
    if marks.thousands in whole:
        mark = re.escape(marks.thousands)
        lakhs = rf"[1-9]\d?(?:{mark}\d{{2}})+{mark}\d{{3}}"  # as in India: 4,50,00,000
        if not re.fullmatch(rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|{lakhs}", whole):
            return None
        whole = whole.replace(marks.thousands, "")
    return f"{whole or '0'}.{decimals or '0'}"


def refuse_open(column: str, symbol: str, origin: str, example: str) -> NoReturn:
    """Refuse a column whose commas may be decimal or part thousands.

    Raises BadRuns, which shows both readings and how to say which.
    """
    as_decimal, as_thousands = (number_in(example, marks) for marks in (COMMA, POINT))
    raise BadRuns(
        f"{origin}: column {brief(column)} ({symbol}) holds {brief(example)}, which may be "
        f"{as_decimal:g} (a decimal comma) or {as_thousands:g} (a comma between thousands), and "
        f"nothing in the file tells which; say --unit {symbol}=decimal-comma or "
        f"{symbol}=thousands-comma"
    )
