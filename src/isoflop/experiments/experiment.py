"""What an experiment is: trials that are known and costed before one FLOP is spent."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Generic, TypeVar

from isoflop.errors import UsageError
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.resources import Resources
from isoflop.quantities import quantity
from isoflop.store import JSON, canonical

__all__ = ["Experiment", "Preset", "Trial", "TrialFolder"]


@dataclass(frozen=True)
class Trial:
    """One unit of work: a configuration and a seed, with its cost `flop` [FLOP] stated beforehand.

    `config` is JSON and holds everything that the outcome depends on, besides the seed. `label`
    is for people, `resources` what a machine must have, and `setup` how the outcome is come by
    (where a trainer stands, how its result is read): none is part of the identity.
    """

    experiment: str
    config: Mapping[str, JSON]
    seed: int
    flop: float
    version: int = 1
    label: str = field(default="", compare=False)
    resources: Resources = field(default_factory=Resources, compare=False)
    setup: Mapping[str, JSON] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """16 hex digits that follow from the experiment, its version, the config and the seed."""
        identity = canonical([self.experiment, self.version, dict(self.config), self.seed])
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """The label, or the key where there is none."""
        return self.label or self.key


class Experiment(abc.ABC):
    """Base of every experiment: a frozen dataclass of settings that answers with trials.

    A subclass lives in its own subpackage of `isoflop.experiments` (or in any module of the
    user's), which imports torch only inside `run`. `fills` names the quantities that its
    observations hold; `conventions` says how they are counted ({"N": "total", ...}). Raise
    `version` whenever the same config would give other numbers: old trials are then run again.
    `cpu_only` says that no accelerator can run its trials.
    """

    key: ClassVar[str]
    version: ClassVar[int] = 1
    cpu_only: ClassVar[bool] = False
    fills: ClassVar[tuple[str, ...]]
    conventions: ClassVar[Mapping[str, str]] = MappingProxyType({})
    registry: ClassVar[dict[str, type[Experiment]]] = {}

    def __init_subclass__(cls) -> None:
        """Register the experiment, and refuse one that is declared wrongly."""
        for symbol in cls.fills:
            quantity(symbol)
        owner = Experiment.registry.setdefault(cls.key, cls)
        if owner.__qualname__ != cls.__qualname__:
            raise UsageError(f"two experiments are called {cls.key!r}")
        Experiment.registry[cls.key] = cls  # a dataclass with slots is made twice

    @abc.abstractmethod
    def trials(self) -> tuple[Trial, ...]:
        """Return every trial of the sweep; pure, and cheap."""

    @staticmethod
    @abc.abstractmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Carry out one trial on `device` ("cpu", "cuda:0") and return its summary.

        The summary holds `observations`, a list of {quantity: number, ..., "run": ...,
        "family": ..., "seed": ...}, and `provenance`: at least `seconds` and what the numbers
        depend on (data hash, torch version, ...). `conventions` may be laid over the class's.
        Called in a process of its own; resumes from `folder.checkpoint` where there is one.
        """

    @classmethod
    def trial(cls, config: Mapping[str, JSON], *, seed: int, flop: float, label: str = "") -> Trial:
        """Return a trial of this experiment, of its present version."""
        return Trial(
            experiment=cls.key,
            config=dict(config),
            seed=seed,
            flop=flop,
            version=cls.version,
            label=label,
        )


Sweep = TypeVar("Sweep", bound=Experiment)


@dataclass(frozen=True)
class Preset(Generic[Sweep]):
    """A study under one name."""

    sweep: Sweep
