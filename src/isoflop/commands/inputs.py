"""What a command takes as RUNS, and how their columns are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from isoflop.commands.registry import Option

if TYPE_CHECKING:
    from isoflop.runs import Runs

Source: TypeAlias = Annotated[
    str, Option("a CSV, TSV, JSON lines or Parquet file, a study, or sample:NAME", "RUNS")
]
Where: TypeAlias = Annotated[
    str | None, Option("keep the runs that meet this, such as 'C < 1e21'", "CONDITION")
]
Columns: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("which column holds what, such as N=params,L=loss", "NAME=COLUMN"),
]
Derive: TypeAlias = Annotated[
    tuple[str, ...], Option("make a column from others, such as D=C/6N", "NAME=FORMULA")
]
Convention: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("how N or C is counted, such as N=total or N=non-embedding", "NAME=CONVENTION"),
]
Unit: TypeAlias = Annotated[
    Mapping[str, str] | None, Option("the unit of a column, such as L=bits/byte", "NAME=UNIT")
]

_KEPT = re.compile(r"([\d,]+) of ([\d,]+) runs meet ")


@dataclass(frozen=True, slots=True)
class Reading:
    """How the columns of RUNS are to be read."""

    where: str | None = None
    columns: Mapping[str, str] | None = None
    derive: tuple[str, ...] = ()
    convention: Mapping[str, str] | None = None
    unit: Mapping[str, str] | None = None

    def __call__(self, source: str) -> Runs:
        """Return the runs of a source; raises what `isoflop.sources.read` raises."""
        from isoflop.sources import read

        return read(
            source,
            columns=self.columns,
            derive=self.derive,
            where=self.where,
            conventions=self.convention,
            units=self.unit,
        )


def dropped(runs: Runs) -> int:
    """Return how many runs of the source a condition left out, which its note says."""
    matches = filter(None, map(_KEPT.match, runs.notes))
    counts = ([int(n.replace(",", "")) for n in m.groups()] for m in matches)
    return sum(total - kept for kept, total in counts)
