"""What is recorded of a statement that is widely repeated about scaling laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# What public sources say of a statement, apart from its numbers, which are compared elsewhere.
Standing = Literal["confirmed", "qualified", "contradicted", "nowhere"]


class AtLeast(float):
    """A number that a statement gives as a lower bound."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement as it is commonly made, and what the sources say.

    `statements` holds its numbers, by name and with the unit in the name; each holds if what is
    recomputed rounds to it, lies within the share `within` of it, or is no less than an
    `AtLeast`. `facts` are printed
    numbers that the recomputation takes. `source` is empty where there is none.
    """

    number: int
    topic: str
    statement: str
    standing: Standing
    correction: str
    source: str = ""
    statements: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    within: float | None = None
