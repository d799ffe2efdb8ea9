"""Every command, one file each: a typed function that returns a Report; its faces are derived."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from isoflop.commands import registry
from isoflop.commands.registry import Command

__all__ = ["Command", "every", "summary"]

_REGISTERED = re.compile(r'^@command\(\s*"([^"]+)".*?^    """(.*?)(?:"""|$)', re.M | re.S)


class _Commands(Mapping[str, Command]):
    """Commands by name; the file of one is imported, which registers it, when it is asked for."""

    def __getitem__(self, name: str) -> Command:
        if name not in registry.REGISTRY:
            importlib.import_module(_written()[name][0])
        return registry.REGISTRY[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*_written(), *registry.REGISTRY}))

    def __len__(self) -> int:
        return len({*_written(), *registry.REGISTRY})


def every() -> Mapping[str, Command]:
    """Return every command by its name, in order."""
    return _Commands()


def summary(name: str) -> str:
    """Return the first line of what a command says of itself, which does not import its file."""
    registered = registry.REGISTRY.get(name)
    return registered.summary if registered else _written()[name][1]


@functools.cache
def _written() -> Mapping[str, tuple[str, str]]:
    """Return the module and the summary of each command, as the files of this package hold them.

    They are read, not run: to import all of them takes longer than the rest of `isoflop --help`.
    """
    commands: dict[str, tuple[str, str]] = {}
    folder = Path(__path__[0])
    for path in sorted(folder.rglob("*.py")):
        within = path.relative_to(folder).with_suffix("").parts
        module = ".".join([__name__, *within]).removesuffix(".__init__")
        for name, sentence in _REGISTERED.findall(path.read_text(encoding="utf-8")):
            commands[name] = module, sentence
    return commands
