"""A key, and what a message looks like that does not tell it: whole, in part or encoded."""

from __future__ import annotations

import base64
import html
import json
import re
import string
from collections.abc import Iterator
from urllib.parse import unquote_plus

SHORTEST = 8  # characters of a key that tell something of it
MASK = "***"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # keeps the length
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)")
_BETWEEN = re.compile(r"[\W_]+")


class Secret:
    """A key that nobody may read, not even where a server repeats it."""

    def __init__(self, key: str | None) -> None:
        self._key = key or ""
        self._size = min(SHORTEST, len(self._key))
        forms = list(_forms(self._key))
        self._parts = self._parts_of(forms)
        self._joined = self._parts_of([_BETWEEN.sub("", form) for form in forms])
        self._whole = re.compile("|".join(map(re.escape, forms)), re.IGNORECASE)

    def __repr__(self) -> str:
        return f"Secret({MASK if self._key else ''})"

    def masked(self, text: str) -> str:
        """Return a message in which no eight characters of the key follow each other.

        The key is known in any case, in base64 and in hex. A message that tells it in another
        code, such as %-signs, entities or with something between its characters, is masked whole.
        """
        if not self._key:
            return text
        text = self._covered(text)
        if len(self._key) < SHORTEST:  # so short a key is in many a word
            return text
        decoded = (unquote_plus(text), html.unescape(text), _UNICODE.sub(_character, text))
        hidden = any(self._found(other, self._parts) for other in decoded)
        return MASK if hidden or self._found(_BETWEEN.sub("", text), self._joined) else text

    def without(self, text: str) -> str:
        """Return a text that is kept, such as a sample: the whole key is masked, and no part.

        A part, or a short key, may be a word that the text is about.
        """
        return self._whole.sub(MASK, text) if len(self._key) >= SHORTEST else text

    def _parts_of(self, forms: list[str]) -> frozenset[str]:
        n = self._size
        lower = [form.translate(_LOWER) for form in forms]
        return (
            frozenset(f[i : i + n] for f in lower for i in range(len(f) - n + 1))
            if n
            else (frozenset())
        )

    def _found(self, text: str, parts: frozenset[str]) -> list[int]:
        """Return where parts of the key begin in a text."""
        lower, n = text.translate(_LOWER), self._size
        return [i for i in range(len(lower) - n + 1) if lower[i : i + n] in parts]

    def _covered(self, text: str) -> str:
        covered: list[str] = []
        end = 0
        for i in self._found(text, self._parts):
            if i > end or not covered:
                covered += [text[end:i], MASK]
            end = i + self._size
        return "".join([*covered, text[end:]])


def _forms(key: str) -> Iterator[str]:
    """Yield the forms in which a key can be found as it stands, or in part."""
    raw = key.encode()
    yield key
    yield json.dumps(key)[1:-1]
    yield raw.hex()
    for before in range(3):  # what stands before it shifts the digits of base64
        digits = base64.b64encode(bytes(before) + raw).decode()
        inner = digits[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2]
