"""Every command, one file each: a typed function that returns a Report; its faces are derived.

A group of commands is a package, whose docstring is the sentence of the group and whose SECTION
says where the list of commands shows it.
"""

from __future__ import annotations

import functools
import importlib
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from isoflop.commands import registry
from isoflop.commands.registry import Command, Section

__all__ = ["Command", "every", "groups", "sections", "summary"]

_REGISTERED = re.compile(r'^@command\(\s*"([^"]+)"(.*?)^    """(.*?)(?:"""|$)', re.M | re.S)
_SECTION = re.compile(r'section="([^"]+)"')


@dataclass(frozen=True, slots=True)
class _Declaration:
    """Where a command is registered, and what its file says of it."""

    module: str
    summary: str
    section: str


class _Commands(Mapping[str, Command]):
    """Commands by name; the file of one is imported, which registers it, when it is asked for."""

    def __getitem__(self, name: str) -> Command:
        if name not in registry.REGISTRY:
            importlib.import_module(_declarations()[name].module)
        return registry.REGISTRY[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*_declarations(), *registry.REGISTRY}))

    def __len__(self) -> int:
        return len({*_declarations(), *registry.REGISTRY})


def every() -> Mapping[str, Command]:
    """Return every command by its name, in order."""
    return _Commands()


def summary(name: str) -> str:
    """Return the first line of what a command says of itself, which does not import its file."""
    registered = registry.REGISTRY.get(name)
    return registered.summary if registered else _declarations()[name].summary


@functools.cache
def groups() -> Mapping[str, str]:
    """Return the sentence of each group of commands by its name."""
    names = {name.split()[0] for name in _declarations() if " " in name}
    return {name: importlib.import_module(f"{__name__}.{name}").__doc__ or "" for name in names}


def sections(names: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each section of the list of commands with those of the names in it, sorted.

    A name is that of a command of one word, or of a group.
    """
    by_section: dict[str, list[str]] = {section: [] for section in typing.get_args(Section)}
    for name in sorted(names):
        by_section[_section(name)].append(name)
    yield from ((section, tuple(listed)) for section, listed in by_section.items() if listed)


def _section(name: str) -> str:
    if name in groups():
        section: str = importlib.import_module(f"{__name__}.{name}").SECTION
        return section
    registered = registry.REGISTRY.get(name)
    return registered.section if registered else _declarations()[name].section


@functools.cache
def _declarations() -> Mapping[str, _Declaration]:
    """Return what the files of this package say of each command.

    They are read, not run: to import all of them takes longer than the rest of `isoflop --help`.
    """
    commands: dict[str, _Declaration] = {}
    folder = Path(__path__[0])
    for path in sorted(folder.rglob("*.py")):
        within = path.relative_to(folder).with_suffix("").parts
        module = ".".join([__name__, *within]).removesuffix(".__init__")
        for name, options, sentence in _REGISTERED.findall(path.read_text(encoding="utf-8")):
            section = _SECTION.search(options)
            commands[name] = _Declaration(module, sentence, section[1] if section else "Others")
    return commands
