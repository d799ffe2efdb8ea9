"""How much text there is, as somebody else has estimated it."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.atlas import Range
from isoflop.errors import Note
from isoflop.quantities import show


@dataclass(frozen=True, slots=True)
class Fact:
    """A number that somebody else estimated, with its source."""

    value: Range
    meaning: str
    source: str


STOCK = Fact(
    Range(1e14, 3e14, 1e15),
    "public human text, adjusted for quality and repetition [tokens], 90% interval",
    "Villalobos et al. 2024, arXiv:2211.04325v2",
)


def beyond_stock(D: float) -> tuple[Note, ...]:
    """Return a note where D [tokens] is more than the text there is likely to be; else nothing."""
    low, typical, high = STOCK.value.low, STOCK.value.typical, STOCK.value.high
    if typical >= D:
        return ()
    return (
        Note(
            "info",
            "stock",
            f"D = {show(D)} is beyond the public text there is, about {show(typical)} tokens "
            f"({show(low)} to {show(high)}; {STOCK.source}): say --unique for what repeats are "
            f"worth",
        ),
    )
