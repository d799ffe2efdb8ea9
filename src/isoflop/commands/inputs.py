"""What a command takes as RUNS, and how their columns are read."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class RunsOptions:
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
