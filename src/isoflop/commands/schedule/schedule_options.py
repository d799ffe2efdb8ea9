"""What the commands on learning-rate schedules take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from isoflop.commands.registry import Option

Curves: TypeAlias = Annotated[
    tuple[str, ...],
    Option(
        "tables of step, lr and loss, one a run or with a column curve; or sample:schedules",
        "CURVES...",
    ),
]
Laws: TypeAlias = Annotated[
    tuple[str, ...],
    Option("annealing, multi-power, multi-power-free or power; may be repeated", "LAW"),
]
Warmup: TypeAlias = Annotated[
    int | None, Option("steps of linear warm-up, where tables leave it out", "STEPS")
]
Columns: TypeAlias = Annotated[
    Mapping[str, str] | None, Option("which column is step, lr, loss, curve", "PART=COLUMN")
]
