"""A plan: numbers with intervals, the limits that bind, and what it costs to be off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its interval; low and high are None where there are no draws."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Regret:
    """What it costs to train `factor` times the planned N at the same compute.

    `excess` is L - L* [unit of the loss]; `compute` is the factor by which the budget could
    shrink, were it spent at the optimum, for the same loss; None where no budget gives that loss.
    """

    factor: float
    N: float
    D: float
    L: float
    excess: float
    compute: float | None


@dataclass(frozen=True)
class Plan:
    """The answer to `question`: N [params], D [tokens], C [FLOP] and the loss they give.

    `binding` names the limits that hold the answer away from the law's own optimum.
    """

    question: str
    N: Estimate
    D: Estimate
    C: Estimate
    L: Estimate
    level: float
    binding: tuple[str, ...]
    regret: tuple[Regret, ...]
    notes: tuple[str, ...]
