"""Every command, one file each: a typed function that returns a Report; its faces are derived."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from isoflop.commands.registry import REGISTRY, Command

__all__ = ["Command", "every"]


def every() -> Mapping[str, Command]:
    """Return every command by its name, in order; importing a file of this package registers it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return MappingProxyType(dict(sorted(REGISTRY.items())))
