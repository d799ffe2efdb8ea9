"""How a column is counted, or in which unit it is, and the refusal to mix what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from isoflop.errors import ConventionMismatch, UnknownName, UsageError
from isoflop.quantities import QUANTITIES
from isoflop.runs.cells import SYMBOLS

CONVENTIONS: Mapping[str, tuple[str, ...]] = {
    "N": ("total", "with-head", "non-embedding", "active", "flops-per-token"),
    "C": ("6ND", "6ND-with-head", "6ND-non-embedding", "MD", "detailed"),
}


_LOSS_UNIT = re.compile(r"(nats|bits)/\w[\w -]{0,40}")
_LONGEST_UNIT = 60


def refuse_unknown(conventions: Mapping[str, object], origin: str = "") -> None:
    """Refuse conventions that do not exist: a way to count N or C, a unit of the loss, any unit.

    Raises UnknownName or UsageError, which say what there is.
    """
    where = f" in {origin}" if origin else ""
    for symbol, value in conventions.items():
        if symbol not in SYMBOLS:
            raise UnknownName(f"quantity{where}", str(symbol), SYMBOLS)
        names = CONVENTIONS.get(symbol)
        if names and value not in names:
            raise UnknownName(f"convention of {symbol}{where}", str(value)[:60], names)
        if not _is_unit(symbol, value):
            todo = (
                "it is like nats/token, bits/token, bits/byte" if symbol == "L" else "name a unit"
            )
            raise UsageError(f"{symbol}{where} is said to be in {str(value)[:60]!r}; {todo}")


def _is_unit(symbol: str, value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable():
        return False
    if symbol == "L":
        return _LOSS_UNIT.fullmatch(value) is not None
    return 0 < len(value.strip()) <= _LONGEST_UNIT


def refuse_clash(
    first: Mapping[str, str],
    second: Mapping[str, str],
    symbols: Iterable[str],
    between: tuple[str, str],
) -> None:
    """Refuse to mix two things whose conventions differ in one of these symbols.

    Stated against unstated is refused too; unstated against unstated is not. The vocabulary's
    own unit (L in nats/token) is what an unstated unit means. `between` names the two things.

    Raises ConventionMismatch, which names both sides.
    """
    for symbol in symbols:
        one, other = stated(first, symbol), stated(second, symbol)
        if one != other:
            raise ConventionMismatch(_sentence(symbol, one, other, between))


def stated(conventions: Mapping[str, str], symbol: str) -> str | None:
    """Return how `symbol` is counted, or its unit; None if that needs stating and is not."""
    needed = symbol in CONVENTIONS or symbol not in QUANTITIES
    return conventions.get(symbol, None if needed else QUANTITIES[symbol].unit)


def _sentence(symbol: str, one: str | None, other: str | None, between: tuple[str, str]) -> str:
    if one is not None and other is not None:
        return (
            f"{symbol} is {one} in {between[0]} and {other} in {between[1]}; "
            "convert one of them: they cannot be mixed"
        )
    silent, speaks = between if one is None else between[::-1]
    value = one or other
    return (
        f"{symbol} is {value} in {speaks}, and {silent} does not say how it is counted; "
        f"if it is the same, say so: --convention {symbol}={value}"
    )
