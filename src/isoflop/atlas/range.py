"""A number that is known only to lie between two others: prices, utilisations, what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

from isoflop.errors import UsageError

# How a caller may write a range: a number, (low, high), (low, typical, high), or a Range.
Spread: TypeAlias = Union[float, Sequence[float], "Range"]


@dataclass(frozen=True, slots=True)
class Range:
    """A positive number that may be as small as `low` and as large as `high`.

    `typical` is the value to plan with. Products and quotients take the ends that stretch them,
    so they are bounds, not standard errors.
    """

    low: float
    typical: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is not a range of positive numbers."""
        ordered = 0 < self.low <= self.typical <= self.high
        if not (ordered and math.isfinite(self.high)):
            raise UsageError(
                f"the range {self.low:g}, {self.typical:g}, {self.high:g} is not one of finite "
                "positive numbers that rise; write low, typical, high"
            )

    @classmethod
    def of(cls, value: Spread, what: str = "the range") -> Range:
        """Return `value` as a range; of two numbers the typical one is their geometric mean.

        Raises UsageError, which names `what`, for anything that is not one, two or three
        finite positive numbers that rise.

        >>> Range.of((2, 8))
        Range(low=2.0, typical=4.0, high=8.0)
        """
        if isinstance(value, Range):
            return value
        numbers = [float(v) for v in (value if isinstance(value, Sequence) else [value])]
        rises = all(math.isfinite(v) and v > 0 for v in numbers) and numbers == sorted(numbers)
        if not rises or len(numbers) not in (1, 2, 3):
            raise UsageError(
                f"{what} is {value}; give one number above zero, a low and a high, "
                "or a low, a typical and a high"
            )
        if len(numbers) == 3:
            return cls(*numbers)
        low, high = numbers[0], numbers[-1]
        return cls(low, low if low == high else math.sqrt(low * high), high)

    @property
    def exact(self) -> bool:
        """Whether low and high agree, so that there is nothing to range over."""
        return self.low == self.high

    def __mul__(self, other: Spread) -> Range:
        by = Range.of(other)
        return Range(self.low * by.low, self.typical * by.typical, self.high * by.high)

    __rmul__ = __mul__

    def __add__(self, other: Spread) -> Range:
        by = Range.of(other)
        return Range(self.low + by.low, self.typical + by.typical, self.high + by.high)

    def __truediv__(self, other: Spread) -> Range:
        by = Range.of(other)
        return Range(self.low / by.high, self.typical / by.typical, self.high / by.low)

    def __rtruediv__(self, other: Spread) -> Range:
        return Range.of(other) / self
