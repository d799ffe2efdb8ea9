"""Engines by name: "local:8", "ray", "ray:32", "slurm", "slurm:100"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.engines.local import LocalEngine, cores
from isoflop.experiments.engines.protocol import Engine

MOST_AT_ONCE = 10_000  # trials that a cluster is given at once


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine may be told beyond its name.

    `device` is where a trial runs on its machine, `address` where a Ray cluster is reached,
    `partition` and `account` are SLURM's, `setup` are shell lines that a SLURM job runs first.
    """

    device: str = "cpu"
    address: str | None = None
    partition: str | None = None
    account: str | None = None
    setup: tuple[str, ...] = ()

    def overridden(self, settings: Mapping[str, str | None]) -> EngineOptions:
        """Return the options with those of `settings` that are not None in their place."""
        changes: dict[str, Any] = {k: v for k, v in settings.items() if v is not None}
        return replace(self, **changes)


def _local(count: int | None, options: EngineOptions) -> Engine:
    _refuse_unused("local", options, ("address", "partition", "account", "setup"))
    return LocalEngine(cores() if count is None else count, options.device)


def _ray(count: int | None, options: EngineOptions) -> Engine:
    from isoflop.experiments.engines.ray_cluster import RayEngine

    _refuse_unused("ray", options, ("partition", "account", "setup"))
    return RayEngine(count or MOST_AT_ONCE, options.device, options.address)


def _slurm(count: int | None, options: EngineOptions) -> Engine:
    from isoflop.experiments.engines.slurm import SlurmEngine

    _refuse_unused("slurm", options, ("address",))
    return SlurmEngine(
        count or MOST_AT_ONCE, options.device, options.partition, options.account, options.setup
    )


# A further engine is one more entry.
ENGINES: Mapping[str, Callable[[int | None, EngineOptions], Engine]] = MappingProxyType(
    {"local": _local, "ray": _ray, "slurm": _slurm}
)


def engine(text: str, options: EngineOptions | None = None) -> Engine:
    """Return the engine that `text` names, with how many trials it runs at once: "local:8".

    Raises UnknownName for another name, UsageError for a number or an option that it cannot use.

    >>> engine("local:2").slots
    2
    """
    name, sign, number = text.partition(":")
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    if sign and not (number.isascii() and number.isdigit() and 0 < int(number) <= MOST_AT_ONCE):
        raise UsageError(
            f"engine is {text!r}; write how many trials run at once behind the colon: {name}:8"
        )
    return ENGINES[name](int(number) if sign else None, options or EngineOptions())


def _refuse_unused(name: str, options: EngineOptions, unused: tuple[str, ...]) -> None:
    for option in unused:
        if getattr(options, option):
            raise UsageError(f"{option} has no effect on the engine {name}; leave it out")
