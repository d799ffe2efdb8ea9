"""What a user may state, with its help: fields of dataclasses that verbs and commands share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.quantities import refuse_level

MOST = 10**9  # of a whole number whose option states no limit of its own


@dataclass(frozen=True, slots=True)
class Option:
    """What a parameter of a command is for, and what stands for its value in a help page.

    `least` and `most` bound a whole number. `needs` names what must be given for the option to
    have any effect, each entry one condition: "emit", "chip|money" (either), "backend=http|hf"
    (one of these values, given or by default), "draws!=0" (any other value), "**" (a quantity).
    `excludes` names what may not be given with it.
    """

    help: str
    metavar: str = ""
    least: int = 0
    most: int = MOST
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalOptions:
    """How intervals are made: from `draws`, of which an interval holds the share `level`."""

    draws: Annotated[int, Option("draws behind each interval")] = 1000
    level: Annotated[float, Option("share of draws that an interval holds")] = 0.9
    seed: Annotated[int, Option("of starting points and draws", "SEED")] = 0

    def __post_init__(self) -> None:
        """Refuse a level that is no share."""
        refuse_level(self.level)
