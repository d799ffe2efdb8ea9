"""What is recorded of an accelerator, with where each number comes from and how sure it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from isoflop.atlas.range import Range, Spread
from isoflop.errors import UnknownName, UsageError

# vendor: the maker's or seller's own figure; report: printed by those who ran it;
# secondary: compiled by a third party; caller: stated by whoever asks.
Confidence = Literal["vendor", "report", "secondary", "caller"]


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of one chip costs [USD/chip-hour]; prices move, hence the date."""

    hourly: Range
    date: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Chip:
    """One accelerator.

    `peak` [FLOP/s] by precision is for dense matrices, without structured sparsity, and with
    32-bit accumulation where that is slower. `memory` is in [bytes], `bandwidth` in [bytes/s].
    `power` [W] is what the maker rates it at, None where that is not published. `price` is None
    where no figure is sure enough to ship: state one with `with_price`.
    """

    key: str
    name: str
    peak: Mapping[str, float]
    memory: float
    bandwidth: float
    power: float | None
    source: str
    confidence: Confidence = "vendor"
    price: Price | None = None

    def __post_init__(self) -> None:
        """Freeze the table of peaks."""
        object.__setattr__(self, "peak", MappingProxyType(dict(self.peak)))

    def flop_per_second(self, precision: str = "bf16") -> float:
        """Return the peak [FLOP/s] at `precision`, dense.

        Raises UnknownName, which lists the precisions that the chip has.
        """
        try:
            return self.peak[precision]
        except KeyError:
            raise UnknownName(f"precision of {self.key}", precision, self.peak) from None

    def with_price(
        self, hourly: Spread, *, date: str = "", source: str = "stated by the caller"
    ) -> Chip:
        """Return this chip at another price [USD/chip-hour]: a number, or a low and a high."""
        price = Price(Range.of(hourly, f"the price of {self.key}"), date, source, "caller")
        return dataclasses.replace(self, price=price)

    def with_power(self, watts: float) -> Chip:
        """Return this chip at another rated power [W].

        Raises UsageError unless it is finite and above zero.
        """
        return dataclasses.replace(self, power=Range.of(watts, f"the power of {self.key}").low)

    def rated_power(self) -> float:
        """Return the rated power [W].

        Raises UsageError where it is not published.
        """
        if self.power is None:
            raise UsageError(
                f"the power of {self.key} is not published; state it: with_power(watts)"
            )
        return self.power

    def hourly_price(self) -> Range:
        """Return the price [USD/chip-hour].

        Raises UsageError where none is recorded.
        """
        if self.price is None:
            raise UsageError(f"no price of {self.key} is recorded; state one, such as --price 2.50")
        return self.price.hourly
