r"""The final answer of a response, and its one normal form, so that votes for it are counted.

Numbers become whole numbers or fractions in lowest terms, so that 0.5, 1/2, \frac{1}{2} and 50/100
are one answer. Signs of currency and of percent are dropped. Other answers lose case and spaces.
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction

LONGEST = 200  # characters of an answer; more is prose

_DECIMAL = r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3}(?!\d))?"
_NUMBER = re.compile(_DECIMAL, re.ASCII)
_RATIO = re.compile(rf"({_DECIMAL})\s*/\s*({_DECIMAL})", re.ASCII)
_MIXED = re.compile(r"([+-]?)(\d+)\s+(\d+)\s*/\s*(\d+)", re.ASCII)
_FOUND = re.compile(rf"(?<![\w.]){_DECIMAL}(?:\s*/\s*\d+)?", re.ASCII)
_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))")
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}")
_DROPPED = re.compile(r"\\left|\\right|\\[!,;: ()\[\]]|\\?[$%]|\*\*")
_MINUS = str.maketrans({"−": "-", "–": "-", "\u00a0": " "})
_BOX = re.compile(r"\\boxed\s*\{")
_SAID = re.compile(r"(?:####|\banswer\s*(?:is|:|=))[ \t]*:?[ \t]*([^\n]+)", re.IGNORECASE)


def normal(answer: object) -> str | None:
    r"""Return the normal form of an answer, None where there is none or it is prose.

    What stands in the last \boxed{} counts, if there is one.

    >>> normal(r"\boxed{$1,234.50}"), normal(r"\frac{3}{6}"), normal("2 1/2"), normal(" The  Cat. ")
    ('2469/2', '1/2', '5/2', 'the cat')
    """
    if answer is None or (isinstance(answer, float) and answer != answer):
        return None
    text = str(answer)
    return _normal(text) if len(text) <= LONGEST else _normal.__wrapped__(text)


@functools.lru_cache(maxsize=10_000)  # a bank gives the same few answers over and over
def _normal(text: str) -> str | None:
    boxed = _boxed(text)
    text = text if boxed is None else boxed
    if len(text) > LONGEST:
        return None
    plain = _plain(text)
    value = number(plain)
    form = plain if value is None else str(value)
    return (form if len(form) <= LONGEST else plain) or None


def number(text: str) -> Fraction | None:
    """Return the number that a text is, None where it is no number."""
    text = text.strip()
    try:
        if match := _MIXED.fullmatch(text):
            sign, whole, *part = match.groups()
            value = int(whole) + Fraction(int(part[0]), int(part[1]))
            return -value if sign == "-" else value
        if match := _RATIO.fullmatch(text):
            return _decimal(match[1]) / _decimal(match[2])
    except ZeroDivisionError:
        return None
    return _decimal(text) if _NUMBER.fullmatch(text) else None


def final(response: str, numeric: bool) -> str | None:
    r"""Return the normal form of the answer that a response ends with, None where it gives none.

    It is what the last \boxed{} holds, else what follows the last "####" or "answer is", else the
    last line. Where a number is wanted, `numeric`, it is the first number there, or the last
    number of the response if nothing marks the answer.

    >>> final("So 3 + 4 = 7, and 7 + 5 = 12.", True), final(r"thus \boxed{\frac12}.", True)
    ('12', '1/2')
    """
    if _boxed(response) is not None:
        return normal(response)
    if matches := _SAID.findall(response):
        return _number_in(matches[-1], 0) if numeric else normal(matches[-1])
    if numeric:
        return _number_in(response, -1)
    lines = response.strip().splitlines()
    return normal(lines[-1]) if lines else None


def _decimal(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def _plain(text: str) -> str:
    """Return a text without dress, spaces and case; doing it twice changes nothing."""
    before = None
    while text != before:
        before = text
        text = _WRAPPED.sub(r" \1 ", text.translate(_MINUS))
        text = _FRACTION.sub(_as_ratio, text)
        text = " ".join(_DROPPED.sub("", text).split()).casefold().rstrip(".").strip()
        text = re.sub(r"^- (?=[\d.])", "-", text)
    return text


def _as_ratio(match: re.Match[str]) -> str:
    above, below = match[1] or match[2] or "", match[3] or match[4] or ""
    plain = re.fullmatch(r"\s*-?\d+\s*", above) and re.fullmatch(r"\s*\d+\s*", below)
    return f" {above.strip()}/{below.strip()}" if plain else f" ({above})/({below})"


def _boxed(text: str) -> str | None:
    """Return what the last box holds, braces within it balanced."""
    matches = list(_BOX.finditer(text))
    if not matches:
        return None
    start = matches[-1].end()
    depth = 1
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if not depth:
            return text[start:end]
    return None


def _number_in(text: str, which: int) -> str | None:
    """Return the first (0) or the last (-1) number of a text in normal form."""
    if len(text) <= LONGEST and (whole := number(_plain(text))) is not None:
        return str(whole)
    plain_text = _FRACTION.sub(_as_ratio, text.translate(_MINUS))
    numbers = _FOUND.findall(plain_text)
    return normal(numbers[which]) if numbers else None
