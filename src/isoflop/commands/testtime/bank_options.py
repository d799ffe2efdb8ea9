"""Options of the test-time commands: the samples, prices, draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from isoflop.commands.registry import Option
from isoflop.errors import UsageError
from isoflop.quantities import parse

if TYPE_CHECKING:
    from isoflop.plan.sampling.prices import Prices, Spending
    from isoflop.sources.open_samples import SampleSource

BankSource: TypeAlias = Annotated[
    str, Option("a sample bank, a log or table of samples or counts, or sample:bank", "BANK")
]
Strategy: TypeAlias = Annotated[
    str | None, Option("of these samples alone, such as parallel", "NAME")
]
Lineage: TypeAlias = Annotated[
    str | None, Option("what made the samples, where a bank holds several", "NAME")
]
Fields: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("which field of a log is what, such as correct=exact_match", "NAME=FIELD"),
]
PriceIn: TypeAlias = Annotated[
    float | None, Option("dollars per million tokens of a prompt", "DOLLARS")
]
PriceOut: TypeAlias = Annotated[
    float | None, Option("dollars per million tokens generated", "DOLLARS")
]
Draws: TypeAlias = Annotated[int, Option("draws of problems behind intervals")]
Level: TypeAlias = Annotated[float, Option("what the intervals hold")]
Seed: TypeAlias = Annotated[int, Option("of all that is drawn by chance")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankOptions:
    """Which samples are read."""

    strategy: Strategy = None
    lineage: Lineage = None
    columns: Fields = None

    def read(self, source: str) -> SampleSource:
        """Return the samples of a source; raises what `isoflop.sources.open_samples` raises."""
        from isoflop.sources.open_samples import opened

        return opened(source, self.strategy, self.lineage, self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOptions:
    """What tokens cost at a host."""

    price_in: PriceIn = None
    price_out: PriceOut = None

    @property
    def prices(self) -> Prices | None:
        """The prices of a host, None where none is given.

        Raises UsageError where one of them is missing.
        """
        from isoflop.plan.sampling.prices import Prices

        if self.price_in is None and self.price_out is None:
            return None
        if self.price_in is None or self.price_out is None:
            lacks = "--price-in" if self.price_in is None else "--price-out"
            raise UsageError(f"dollars need both prices; {lacks} is missing")
        return Prices(self.price_in, self.price_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingOptions:
    """What is spent on a problem."""

    budget: Annotated[tuple[str, ...], Option("a price per problem, such as 1e12", "PRICE")] = ()
    unit: Annotated[
        str | None, Option("count in flop, tokens, seconds, dollars or samples", "UNIT")
    ] = None

    def spending(self, price: PriceOptions) -> Spending:
        """Return the unit that is asked for, the prices of a host, and the budgets."""
        from isoflop.plan.sampling.prices import Spending

        budgets = [parse(text, "--budget") for text in self.budget] or None
        return Spending(unit=self.unit, prices=price.prices, budgets=budgets)
