"""The one reader of JSON: every document from outside, of whatever kind, is parsed here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from isoflop.files.content import SETTING, largest

DEEPEST = 100  # lists and objects within each other
BYTES_A_VALUE = 25  # of the largest file: what a value takes as JSON, roughly
MANY = "it holds too many values"
TWICE, HUGE = "a key stands twice in one object", "an integer has too many digits"
LONGEST_INTEGER = 300  # digits: one of 310 is no floating-point number


class BadJSON(ValueError):
    """A text that is not JSON, or JSON that says a thing twice or cannot be held.

    The message says what and where, `kind` what sort of fault it is.
    """

    def __init__(self, message: str, kind: str = "it is not JSON") -> None:
        self.kind = kind
        super().__init__(message)


def parse_json(text: str | bytes) -> Any:
    """Return the document that a text holds; NaN and Infinity are numbers here.

    Raises BadJSON for what is not JSON, for a key that stands twice in one object, for integers of
    more than 300 digits, for lists and objects nested deeper than 100, and for more values than the
    largest file may hold.

    >>> parse_json('{"N": 1e9}')
    {'N': 1000000000.0}
    """
    try:
        words = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        refuse_many(words)
        document = _DECODER.decode(words)
    except json.JSONDecodeError as error:
        raise BadJSON(f"{error.msg.lower()} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise BadJSON(f"byte {error.start:,} is not UTF-8") from None
    except RecursionError:
        raise BadJSON(_TOO_DEEP, _TOO_DEEP) from None
    if words.count("[") + words.count("{") > DEEPEST:
        _refuse_deep(document)
    return document


def decode_at(text: str, at: int) -> tuple[Any, int]:
    """Return the value that begins at a place of a text, and where it ends.

    Raises BadJSON as `parse_json` does for keys and integers, JSONDecodeError for what is not
    JSON or is cut off, RecursionError for what nests too deeply.
    """
    return _DECODER.raw_decode(text, at)


def refuse_many(words: str) -> None:
    """Refuse more values than memory holds: the shortest takes 3 bytes there and 64 here.

    Raises BadJSON, which says the limit.
    """
    most = largest() // BYTES_A_VALUE
    if len(words) > 2 * most:
        values = _marks(words)
        values = _marks(_TEXT.sub("", words)) if values > most else values
        if values > most:
            raise BadJSON(
                f"{values:,} values in one document, and {most:,} is the limit; write it as CSV "
                f"or Parquet, or raise the limit if the memory is there: {SETTING}=2G",
                MANY,
            )


def _marks(words: str) -> int:
    """Return how many marks there are that a value stands behind; texts hold such marks too."""
    return sum(map(words.count, ",[{"))


def _refuse_deep(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST):
        inner = (part for outer in level for part in _parts(outer))
        level = [part for part in inner if isinstance(part, dict | list)]
        if not level:
            return
    raise BadJSON(_TOO_DEEP, _TOO_DEEP)


def _parts(outer: Any) -> Iterable[Any]:
    if isinstance(outer, dict):
        return outer.values()
    return outer if isinstance(outer, list) else ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadJSON(f"the key {twice[:60]!r} stands twice in one object; keep one", TWICE)
    return document


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise BadJSON(
            f"an integer of {len(digits):,} digits, {digits[:12]}..., is no number here", HUGE
        )
    return int(digits)


_TOO_DEEP = f"lists or objects nest deeper than {DEEPEST}"
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer)
