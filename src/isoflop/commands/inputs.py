"""What a command takes as RUNS, and how their columns are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from isoflop.commands.registry import Option
from isoflop.commands.tables import remember
from isoflop.options import IntervalOptions as IntervalOptions

if TYPE_CHECKING:
    from isoflop.runs import Runs

Source: TypeAlias = Annotated[
    str,
    Option(
        "a CSV, Excel, JSON or Parquet file, a folder of them, a log, a study, or sample:NAME",
        "RUNS",
    ),
]


def split(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in texts that may hold several, with commas between."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """Which rows and columns of a table are read."""

    where: Annotated[
        str | None, Option("keep the runs that meet this, such as 'C < 1e21'", "CONDITION")
    ] = None
    columns: Annotated[
        Mapping[str, str] | None,
        Option("which column holds what, such as N=params,L=loss", "NAME=COLUMN"),
    ] = None
    derive: Annotated[
        tuple[str, ...], Option("make a column from others, such as D=C/6N", "NAME=FORMULA")
    ] = ()
    unit: Annotated[
        Mapping[str, str] | None,
        Option("the unit of a column, such as N=M,D=B or L=bits/byte", "NAME=UNIT"),
    ] = None

    @property
    def conventions(self) -> Mapping[str, str] | None:
        """How N and C are counted; None where nothing is stated."""
        return None

    @property
    def settings(self) -> dict[str, Any]:
        """The options by the names that `isoflop.read` gives them."""
        return {
            "columns": self.columns,
            "derive": self.derive,
            "where": self.where,
            "conventions": self.conventions,
            "units": self.unit,
        }

    def read(self, source: str) -> Runs:
        """Return the runs of a source; raises what `isoflop.sources.read` raises."""
        from isoflop.sources import read

        return remember(read(source, **self.settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOptions(TableOptions):
    """How the columns of RUNS are read, and how they are counted."""

    convention: Annotated[
        Mapping[str, str] | None,
        Option("how N or C is counted, such as N=total or N=non-embedding", "NAME=CONVENTION"),
    ] = None

    @property
    def conventions(self) -> Mapping[str, str] | None:
        """How N and C are counted, as stated."""
        return self.convention


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalIntervals(IntervalOptions):
    """How intervals are made, if any are."""

    draws: Annotated[int, Option("draws behind each interval; 0 for none")] = 1000
    level: Annotated[
        float, Option("share of draws that an interval holds", needs=("draws!=0",))
    ] = 0.9
