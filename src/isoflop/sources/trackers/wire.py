"""The wire format of protocol buffers, as far as trackers use it.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | bytes

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the integer that begins at a byte, and where it ends.

    Raises ValueError for one that does not end.
    """
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("an integer does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield the fields of a message: its number, and an integer or the bytes of it.

    A number of fixed size comes as its bytes. Raises ValueError for what is no message.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"a field is of kind {kind}")
        if at + size > end:
            raise ValueError("a field is longer than its message")
        yield key >> 3, data[at : at + size]
        at += size


def signed(value: int) -> int:
    """Return an integer of 64 bits that may be below zero."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(value: Value) -> str:
    """Return the text of a field; empty where it is none."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def inner(value: Value) -> bytes:
    """Return the message in a field.

    Raises ValueError where it is an integer.
    """
    if isinstance(value, bytes):
        return value
    raise ValueError("a message is an integer")
