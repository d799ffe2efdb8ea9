"""What one trial needs of a machine, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.errors import UsageError
from isoflop.quantities import refuse_count, show

MOST_CPUS = 4096
MOST_GPUS = 4096
GRACE = 3.0  # [s] between asking a trial to stop and killing it


@dataclass(frozen=True, slots=True)
class Resources:
    """What a trial is given: `cpus` cores, `gpus` (a share of one packs several trials on it).

    `memory` [bytes] and `time_limit` [s] are None where nobody limits them; `grace` [s] is how long
    a trial may take to write its checkpoint after it was asked to stop.
    """

    cpus: int = 1
    gpus: float = 0.0
    memory: float | None = None
    time_limit: float | None = None
    grace: float = GRACE

    def __post_init__(self) -> None:
        """Refuse what no machine could give."""
        refuse_count("cpus", self.cpus, 1, MOST_CPUS)
        if not 0 <= self.gpus <= MOST_GPUS or (self.gpus > 1 and self.gpus != int(self.gpus)):
            raise UsageError(
                f"gpus is {self.gpus:g}; give a whole number, or a share of one GPU such as 0.25"
            )
        for name, value in (("memory", self.memory), ("time_limit", self.time_limit)):
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} is {value:g}; it must be finite and above zero")
        if not 0 <= self.grace <= 3600:
            raise UsageError(f"grace is {self.grace:g} s; it must lie between 0 and 3600")

    @property
    def as_json(self) -> Mapping[str, float | None]:
        """The resources as a trial's file holds them."""
        return {
            "cpus": self.cpus,
            "gpus": self.gpus,
            "memory": self.memory,
            "time_limit": self.time_limit,
            "grace": self.grace,
        }

    @property
    def words(self) -> str:
        """The resources as a reader would say them: "4 CPUs, 1 GPU, 16 GB"."""
        parts = [f"{self.cpus} CPU{'s' if self.cpus > 1 else ''}"]
        if self.gpus:
            parts.append(f"{self.gpus:g} GPU{'s' if self.gpus > 1 else ''}")
        if self.memory is not None:
            parts.append(f"{show(self.memory / 1e9)} GB")
        return ", ".join(parts)
