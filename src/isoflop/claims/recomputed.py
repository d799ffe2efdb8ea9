"""The numbers of a statement beside those that are recomputed, and the verdict that follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from isoflop.atlas.claims import AtLeast, Claim
from isoflop.plan.rounding import digits
from isoflop.report.display import Displayed

Verdict: TypeAlias = Literal["right", "needs a caveat", "wrong", "no source found"]
VERDICTS: tuple[Verdict, ...] = ("right", "needs a caveat", "wrong", "no source found")


@dataclass(frozen=True, slots=True)
class Recomputation(Displayed):
    """One number of a statement, what is found for it, and whether the two agree.

    `printed` says that a source prints what is found, so that nothing was recomputed.
    """

    what: str
    stated: float
    recomputed: float
    holds: bool
    printed: bool = False


@dataclass(frozen=True)
class Recomputed(Displayed):
    """What is recomputed for a statement: numbers to compare, and numbers that illustrate."""

    compared: tuple[Recomputation, ...] = ()
    also: Mapping[str, float] = field(default_factory=dict)

    @property
    def computed(self) -> bool:
        """Whether any number was computed, and not only looked up."""
        return bool(self.also) or any(not c.printed for c in self.compared)


Recompute: TypeAlias = Callable[[Claim], Recomputed]
REGISTRY: dict[int, Recompute] = {}


def recomputes(*numbers: int) -> Callable[[Recompute], Recompute]:
    """Register a function as the recomputation of the claims of these numbers."""

    def register(function: Recompute) -> Recompute:
        REGISTRY.update(dict.fromkeys(numbers, function))
        return function

    return register


def against(claim: Claim, values: Mapping[str, float]) -> Recomputed:
    """Return what a statement says beside what is found by the same names; the rest illustrates."""
    compared = tuple(
        Recomputation(
            name,
            reference,
            values[name],
            agrees(reference, values[name], claim.within),
            printed=claim.facts.get(name) == values[name],
        )
        for name, reference in claim.statements.items()
    )
    others = {k: v for k, v in values.items() if k not in (*claim.statements, *claim.facts)}
    return Recomputed(compared, others)


def agrees(reference: float, value: float, within: float | None = None) -> bool:
    """Say whether a number holds: `value` rounds to it, or lies within a share of it.

    >>> agrees(5.37, 5.3703), agrees(5.32, 5.3703), agrees(AtLeast(5), 5.3703)
    (True, False, True)
    """
    if isinstance(reference, AtLeast):
        return value >= reference
    if within is not None:
        return abs(value - reference) <= within * abs(reference)
    if reference == 0:
        return abs(value) < 1e-9
    last = 10.0 ** (math.floor(math.log10(abs(reference))) + 1 - digits(reference))
    return abs(value - reference) <= 0.5 * last * (1 + 1e-9)


def verdict(claim: Claim, result: Recomputed) -> Verdict:
    """Return the verdict on a statement, from its sources and from its numbers."""
    if claim.standing == "nowhere":
        return "no source found"
    if claim.standing == "contradicted" or not all(c.holds for c in result.compared):
        return "wrong"
    return "needs a caveat" if claim.standing == "qualified" else "right"
