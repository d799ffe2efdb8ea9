"""Text of others made safe to print: names and messages come from files, servers and shells."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from contextvars import ContextVar

NO_BREAK = "\N{NO-BREAK SPACE}"
_IN_ASCII = str.maketrans(
    {"–": "-", "—": "-", "×": "x", "→": "->", "≤": "<=", "≥": ">=", "±": "+-", "\u00a0": " "}
)
_SILENT: ContextVar[bool] = ContextVar("silent", default=False)
_USER = re.compile(r"(\w:/+)[^\s/?#]*@")  # paths have one stroke where addresses have two


def printable(text: str, plain: bool = False) -> str:
    """Return text without what could command a terminal, since names come from others' files.

    Escapes, other control characters, marks that turn the direction of writing and halves of
    characters become a stand-in each; lines stay lines. `plain` also keeps to ASCII, for
    terminals that cannot write more.
    """
    whitespace = f"\n{NO_BREAK}"
    if not text.isprintable():
        text = "".join(
            c if c.isprintable() or c in whitespace else "\N{REPLACEMENT CHARACTER}" for c in text
        )
    return text.translate(_IN_ASCII).encode("ascii", "replace").decode() if plain else text


def escaped(json_text: str) -> str:
    r"""Return JSON text that says the same, with \u escapes for what could command a terminal.

    >>> escaped('["\x9b31m"]')
    '["\\u009b31m"]'
    """
    if json_text.isprintable():
        return json_text
    return "".join(c if c.isprintable() or c in f"\n{NO_BREAK}" else _escape(c) for c in json_text)


def without_users(text: str) -> str:
    """Return text whose addresses name no user and no password.

    >>> without_users("cannot read http://me:secret@host/v1")
    'cannot read http://***@host/v1'
    """
    return _USER.sub(r"\1***@", text) if "@" in text else text


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Let `say` print nothing in the block, whose answers somebody else reads."""
    token = _SILENT.set(True)
    try:
        yield
    finally:
        _SILENT.reset(token)


def say(text: str) -> None:
    """Tell a person at the terminal what was done, on stderr: stdout holds the answer alone."""
    if _SILENT.get():
        return
    print(without_users(printable(text)), file=sys.stderr, flush=True)


def notify(text: str) -> None:
    """Show a line on the desktop through the terminal (OSC 9), with a bell; elsewhere nothing."""
    if sys.stderr.isatty():
        line = " ".join(without_users(printable(text, plain=True)).split())
        sys.stderr.write(f"\x1b]9;{line}\x07\a")
        sys.stderr.flush()
