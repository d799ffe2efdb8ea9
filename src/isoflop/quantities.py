"""The vocabulary: every symbol that a law may take or predict, with its meaning and unit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from isoflop.errors import UnknownName, UsageError


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured or chosen number that laws and runs share by name.

    `symbol` is the keyword in a law's `__call__` and the column in `Runs`; `typical` is the
    range that such numbers have in the field, used to seed searches and to generate tests.
    """

    symbol: str
    meaning: str
    unit: str
    typical: tuple[float, float]


QUANTITIES: dict[str, Quantity] = {
    q.symbol: q
    for q in (
        Quantity("N", "model parameters, by a stated convention", "params", (1e6, 1e11)),
        Quantity("D", "training tokens seen", "tokens", (1e8, 1e13)),
        Quantity("U", "unique training tokens", "tokens", (1e8, 1e12)),
        Quantity("C", "training compute, by a stated convention", "FLOP", (1e17, 1e26)),
        Quantity("L", "held-out cross-entropy", "nats/token", (1.5, 6)),
        Quantity("steps", "optimiser steps", "steps", (1e3, 1e6)),
        Quantity("batch", "tokens per optimiser step", "tokens", (1e4, 1e7)),
        Quantity("lr", "peak learning rate", "1", (1e-5, 1e-1)),
        Quantity("epochs", "passes over the unique tokens", "1", (1, 100)),
        Quantity("experts", "experts of a mixture", "experts", (1, 512)),
        Quantity("bits", "bits per weight", "bits", (2, 16)),
        Quantity("V", "vocabulary size", "symbols", (1e3, 3e5)),
        Quantity("hours", "accelerator time", "GPU-hours", (1, 1e5)),
        Quantity("k", "samples per problem", "samples", (1, 1e4)),
        Quantity("d", "root KL divergence from the initial policy", "sqrt(nats)", (0.5, 10)),
        Quantity("R", "reward, or pass rate", "reward", (0.05, 5)),
        Quantity("error", "share of task items answered wrongly", "1", (0.05, 0.9)),
        Quantity("x", "an input that the user names", "x", (1e3, 1e9)),
        Quantity("y", "an output that the user names", "y", (0.1, 10)),
    )
}

_SUFFIX = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_NUMBER = re.compile(
    r"([+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d[\d_]*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([kKmMbBgGtT]?)"
)


def quantity(symbol: str) -> Quantity:
    """Return the quantity called `symbol`.

    Raises UnknownName, which names the nearest symbol.
    """
    try:
        return QUANTITIES[symbol]
    except KeyError:
        raise UnknownName("quantity", symbol, QUANTITIES) from None


def parse(text: str, what: str = "number") -> float:
    """Return the positive number that `text` writes: "70B", "1.4T", "5.76e23", "300 M".

    Raises UsageError for anything else; nothing is guessed.

    >>> parse("70B"), parse("5.76e23")
    (70000000000.0, 5.76e+23)
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{what} {text!r} is not a number; write it like 70B, 1.4T or 5.76e23")
    digits, suffix = match.groups()
    value = float(digits.replace(",", "").replace("_", "")) * _SUFFIX.get(suffix.lower(), 1.0)
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{what} is {text!r}; it must be finite and above zero")
    return value


def show(value: float, digits: int = 3) -> str:
    """Return `value` as the field writes it: 70B, 1.4T, 5.76e23, 0.348.

    >>> show(7.0e10), show(5.76e23), show(0.34781)
    ('70B', '5.76e23', '0.348')
    """
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1e16 or (size < 1e-3 and size > 0):
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    for scale, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, None)):
        if size >= scale:
            unit, suffix = (scale, suffix) if suffix else (1e3, "k")
            return f"{_significant(value / unit, digits)}{suffix}"
    return _significant(value, digits)


def _significant(value: float, digits: int) -> str:
    return f"{value:.{max(digits, len(str(int(abs(value)))))}g}"
