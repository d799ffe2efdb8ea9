"""Every law, one file each; importing this package registers them all, by key and by class."""

from __future__ import annotations

import importlib
import pkgutil

from isoflop.errors import suggest
from isoflop.law import Law, constants, form

__all__ = ["constants", "form"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def __getattr__(name: str) -> type[Law]:
    """Return the law whose class is called `name`: `laws.Chinchilla`."""
    laws = {law.__name__: law for law in Law.registry.values()}
    if name not in laws:
        raise AttributeError(f"no law called {name!r}; {suggest(name, laws)}")
    return laws[name]


def __dir__() -> list[str]:
    return sorted([*globals(), *(law.__name__ for law in Law.registry.values())])
