"""JSON documents read member by member, so that a list of samples need not be held whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from isoflop.files import decode_at, largest, refuse_strange

PART = 1 << 20  # characters that are read at a time
NEAR = 16  # characters before the end where a value that is cut off is an error
NUMBER = "0123456789+-.eE"  # what a number may go on with
BLANK = " \t\r\n"


@dataclass
class _Text:
    """A text that is read as far as it is needed; `at` is where its reader stands."""

    handle: IO[str]
    rest: str = ""
    at: int = 0
    ended: bool = False

    def more(self) -> bool:
        """Read on; return whether there was more. What was read over is forgotten.

        Raises ValueError for a value of more characters than the largest file may have bytes.
        """
        if len(self.rest) - self.at > largest():
            raise ValueError(f"one value has more than {largest():,} characters")
        part = self.handle.read(max(PART, len(self.rest) - self.at))
        self.rest, self.at = self.rest[self.at :] + part, 0
        self.ended = not part
        return not self.ended

    def peek(self) -> str:
        """Return the next character that is no blank, "" at the end."""
        while True:
            while self.at < len(self.rest) and self.rest[self.at] in BLANK:
                self.at += 1
            if self.at < len(self.rest):
                return self.rest[self.at]
            if not self.more():
                return ""

    def take(self, wanted: str) -> str:
        """Read over the next character, one of those that are wanted.

        Raises ValueError for another.
        """
        character = self.peek()
        if not character or character not in wanted:
            raise ValueError(
                f"{character or 'the end'!r} stands where {' or '.join(wanted)} should"
            )
        self.at += 1
        return character

    def value(self) -> Any:
        """Read a value.

        Raises ValueError for none, RecursionError for one that is too deep.
        """
        self.peek()
        while True:
            try:
                value, end = decode_at(self.rest, self.at)
            except json.JSONDecodeError as error:
                cut = error.pos > len(self.rest) - NEAR or error.msg.startswith("Unterminated")
                if self.ended or not cut:
                    raise ValueError(error.msg) from None
            else:
                if self.ended or self.rest[end : end + NEAR].strip(NUMBER):
                    self.at = end
                    return value
            self.more()  # what is cut off, or a number that may go on


def members(path: Path, within: str) -> Iterator[tuple[str | None, Any, int]]:
    """Yield the members of a document: their name, None in a list, and their value.

    Of an object each element of the list called `within` comes by itself, under that name. The
    third is how many bytes were read so far. A document that is neither comes as one member.
    Raises ValueError or RecursionError for what is no JSON, OSError for a file that cannot be read.
    """
    refuse_strange(path)
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        text = _Text(handle)
        first = text.peek()
        if first == "[":
            yield from ((None, value, at) for value, at in _elements(text))
        elif first == "{":
            yield from _object(text, within)
        else:
            yield None, text.value(), 0
        if text.peek():
            raise ValueError("it goes on after its end")


def _object(text: _Text, within: str) -> Iterator[tuple[str | None, Any, int]]:
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        name = text.value()
        if not isinstance(name, str):
            raise ValueError(f"a member is called {str(name)[:20]}, and not by a text")
        text.take(":")
        if name == within and text.peek() == "[":
            yield from ((name, value, at) for value, at in _elements(text))
        else:
            yield name, text.value(), text.handle.buffer.tell()  # type: ignore[attr-defined]
        if text.take(",}") == "}":
            return


def _elements(text: _Text) -> Iterator[tuple[Any, int]]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value(), text.handle.buffer.tell()  # type: ignore[attr-defined]
        if text.take(",]") == "]":
            return
