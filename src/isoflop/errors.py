"""Every exception that isoflop raises on purpose, with its exit code, and the notes of a result.

A message says what is wrong, the value seen, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from isoflop.terminal import printable, without_users


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that comes with a result: information, a doubt, or why it is refused.

    `topic` is a short key for what the note is about, such as "distance" or "convention", by
    which code finds it; `text` is for the reader alone and is never read back. `rows` are the
    row numbers of the source that it speaks of, and `symbol` is the one quantity or parameter that
    it is about, if there is one.
    """

    kind: Literal["info", "doubt", "refused"]
    topic: str
    text: str
    rows: tuple[int, ...] = ()
    symbol: str = ""

    def __str__(self) -> str:
        return self.text

    def of(self, subject: str) -> Note:
        """Return the note as one of several that stand together: "subject: text"."""
        return replace(self, text=f"{subject}: {self.text}")


Notes: TypeAlias = tuple[Note, ...]


class IsoflopError(Exception):
    """Base of every deliberate failure; anything else that escapes is our bug."""

    exit_code = 2

    def __str__(self) -> str:
        """Return the message, in which what others wrote is text: no escapes, no passwords."""
        return without_users(printable(super().__str__()))


class UsageError(IsoflopError):
    """A request that cannot be understood or cannot be met as asked."""


class UnknownName(UsageError):
    """A name that is not in its registry."""

    def __init__(self, kind: str, name: str, choices: Iterable[str]) -> None:
        self.name, self.known = name, tuple(choices)
        super().__init__(f"no {kind} called {brief(name)}; {suggest(name, self.known)}")


class BadLaw(IsoflopError):
    """A law that is declared wrongly; raised at import."""


class BadRuns(IsoflopError):
    """A table of runs that cannot be read, or holds values that no run can have."""


class ConventionMismatch(IsoflopError):
    """Two things counted by different, or unstated, conventions were to be mixed."""


class RefusedByData(IsoflopError):
    """The data cannot support the answer that was asked for."""

    exit_code = 1


class Diverged(RefusedByData):
    """A run whose loss is no finite number: it is marked and explained, and never fitted."""


class CannotFit(RefusedByData):
    """The runs cannot pin the law down."""


class NoOptimum(RefusedByData):
    """The law has no best N and D: it does not fall in both."""


class BadStudy(IsoflopError):
    """A study folder or a saved document that is damaged, half-written or of another schema."""


class EnvironmentFailure(IsoflopError):
    """Something outside isoflop is missing or failing: an extra, a disk, a server."""

    exit_code = 3


class MissingExtra(EnvironmentFailure):
    """An optional dependency is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra {extra!r}: pip install 'isoflop[{extra}]'")


class NoAnswer(EnvironmentFailure):
    """A server gave no answer that can be used; `lasting` if it would not on asking again."""

    def __init__(self, sentence: str, lasting: bool) -> None:
        self.lasting = lasting
        super().__init__(sentence)


def in_words(error: Exception, doing: str) -> IsoflopError:
    """Return a failure of what isoflop does not own in words, also where nobody foresaw it.

    `doing` says what failed, and what to do. A failure that is one of ours stays what it is.
    """
    if isinstance(error, IsoflopError):
        return error
    why = ": ".join(filter(None, (type(error).__name__, str(error)[:300])))
    unforeseen = EnvironmentFailure(f"{why}, which nobody foresaw, while {doing}")
    unforeseen.__cause__ = error
    return unforeseen


def texts(notes: Iterable[Note]) -> list[str]:
    """Return the texts of notes, as a document keeps them."""
    return [note.text for note in notes]


def brief(value: object, most: int = 60) -> str:
    """Return a value as a message shows it: in quotes where it is text, cut where it is long."""
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= most else f"{text[: most - 3]}..."
    return repr(cut) if isinstance(value, str) else cut


def amount(n: int, one: str, several: str) -> str:
    """Return a number with its noun, such as "1 row" or "1,200 rows"."""
    return f"{n:,} {one if n == 1 else several}"


def suggest(name: str, choices: Iterable[str]) -> str:
    """Return "did you mean ...?" for a near name, else the list of what there is."""
    names = list(choices)
    folded = {n.lower(): n for n in names}
    near = difflib.get_close_matches(name.lower()[:100], folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"there is {listed}" if names else "there is none"
