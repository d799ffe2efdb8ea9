"""A plan: numbers with intervals, the limits that bind, and what it costs to be off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.errors import Note, brief
from isoflop.fitting import quantiles
from isoflop.plan.cost import Cost, Item
from isoflop.plan.problem import PlanningProblem
from isoflop.report.display import Displayed, interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its interval; low and high are None where there are no draws."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: Any, draws: Any, level: float) -> Estimate:
        """Return a value with the interval that holds `level` of draws (s,), None if no draws."""
        number = float(np.ravel(value)[0])
        if draws is None:
            return cls(number)
        return cls(number, *quantiles(np.asarray(draws, float).reshape(-1), level))


@dataclass(frozen=True, slots=True)
class Regret:
    """What it costs to train `factor` times the planned N at the same budget.

    `excess` is L - L* [unit of the loss]; `compute` is the factor by which the budget could
    shrink, were it spent at the optimum, for the same loss; None where no budget gives that loss.
    """

    factor: float
    N: float
    D: float
    L: float
    excess: float
    compute: float | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """What another set of constants of the same form answers to the same question."""

    name: str
    N: float
    D: float
    ratio: float
    L: float


@dataclass(frozen=True)
class Plan(Displayed):
    """The answer to `question`: N [params], D [tokens], C [FLOP] and the loss they give.

    `C` is that of training, `cost` that of the whole life in the unit of `priced`, and `bill` its
    phases. `inputs` holds the law's other inputs. `binding` names the limits that hold the answer
    away from the law's own optimum. `alternatives` are what other published constants say, where
    those behind the plan are rounded too far to plan with. `problem` is what was asked, of which
    law; `reached` says that it asked for a loss, and not for what a budget buys.
    """

    question: str
    N: Estimate
    D: Estimate
    C: Estimate
    L: Estimate
    cost: Estimate
    level: float
    binding: tuple[str, ...]
    regret: tuple[Regret, ...]
    notes: tuple[Note, ...]
    priced: Cost
    bill: tuple[Item, ...]
    problem: PlanningProblem
    reached: bool = False
    inputs: tuple[tuple[str, float], ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    def _facts(self) -> Iterator[str]:
        yield self.question
        yield from (f"{symbol}={interval(getattr(self, symbol))}" for symbol in "NDCL")
        if self.priced.unit != "FLOP" or self.priced.serving is not None:
            yield f"cost={interval(self.cost)} {self.priced.unit}"
        if self.binding:
            yield f"limits that bind: {', '.join(self.binding)}"
        if doubts := [note.text for note in self.notes if note.kind != "info"]:
            yield f"doubtful: {brief(doubts[0], 90)[1:-1]}"
