"""Every law, one file each; importing this package registers them all, by key and by class."""

from __future__ import annotations

import importlib
import pkgutil
import re

from isoflop.errors import suggest
from isoflop.law import Law, Published, constants, form

__all__ = ["constants", "form", "search"]

_WORD = re.compile(r"[a-z0-9.]+")
_SPLIT = re.compile(r"(?<=[a-z])(?=\d{4}\b)")  # kaplan2020 is kaplan and 2020

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def search(text: str) -> tuple[tuple[type[Law], ...], tuple[Published, ...]]:
    """Return the laws, and the published sets, in whose names, sources or words all of a text is.

    The text is an author, a year, a paper, an arXiv number or a phrase: "Kaplan 2020",
    "2001.08361", "repeated tokens". Sets whose own name is the text come alone.
    """
    sets = [item for law in Law.registry.values() for item in law.published.values()]
    if named := tuple(item for item in sets if item.name.lower() == text.strip().lower()):
        return (), named
    words = set(_words(text))
    if not words:
        return (), ()
    laws = {law for law in Law.registry.values() if _holds(words, _text(law))}
    chosen = tuple(
        item
        for item in sets
        if _holds(words, f"{item.key} {item.source} {item.caution} {_authors(item.name)}")
    )
    return tuple(sorted(laws, key=lambda law: law.key)), chosen


def _text(law: type[Law]) -> str:
    return f"{law.key} {law.source} {law.__doc__ or ''}"


def _authors(name: str) -> str:
    """Return the name of a set with author and year apart."""
    return _SPLIT.sub(" ", name.lower())


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, with author and year apart."""
    return [word.strip(".") for word in _WORD.findall(_SPLIT.sub(" ", text.lower()))]


def _holds(words: set[str], text: str) -> bool:
    """Return whether each word begins some word of a text."""
    there = _words(text)
    return all(any(other.startswith(word) for other in there) for word in words)


def __getattr__(name: str) -> type[Law]:
    """Return the law whose class is called `name`: `laws.Chinchilla`."""
    laws = {law.__name__: law for law in Law.registry.values()}
    if name not in laws:
        raise AttributeError(f"no law called {name!r}; {suggest(name, laws)}")
    return laws[name]


def __dir__() -> list[str]:
    return sorted([*globals(), *(law.__name__ for law in Law.registry.values())])
