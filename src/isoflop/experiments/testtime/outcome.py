"""What a strategy comes to: one answer to each problem, and what it cost, counted by problem."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers


@dataclass(frozen=True, eq=False, slots=True)
class ComputeCost:
    """What each problem cost (p,): tokens generated, and FLOP by what they were for.

    `flop` is of generating and `verifier_flop` of judging; `prompt_flop` and
    `verifier_prompt_flop` are of reading the prompt, once each.
    """

    tokens: Numbers
    flop: Numbers
    prompt_flop: Numbers
    verifier_flop: Numbers
    verifier_prompt_flop: Numbers

    @staticmethod
    def nothing(problems: int) -> ComputeCost:
        """Return no cost yet of so many problems."""
        return ComputeCost(*(np.zeros(problems) for _ in fields(ComputeCost)))

    @property
    def total(self) -> Numbers:
        """All FLOP (p,)."""
        read = self.prompt_flop + self.verifier_prompt_flop
        return self.flop + self.verifier_flop + read

    def add(self, rows: Integers, more: ComputeCost) -> None:
        """Add what was spent on some of the problems (rows), each named once."""
        for f in fields(ComputeCost):
            getattr(self, f.name)[rows] += getattr(more, f.name)


@dataclass(frozen=True, eq=False, slots=True)
class StrategyAnswers:
    """The final answer (p,) to each problem, -1 for none, and what it cost.

    `score` (p,) is the verifier's of that answer, NaN where none was asked.
    """

    answers: Integers
    cost: ComputeCost
    score: Numbers


@dataclass(frozen=True, eq=False, slots=True)
class Responses:
    """Whole responses: `tokens` (p, n, t), `answers` (p, n), `correct` (p, n), what they cost.

    `scores` (p, n) are NaN unless a verifier read them. `lengths` (p, n) count tokens. The FLOP
    are of each response (p, n), those of reading the prompt of each problem (p,).
    """

    tokens: Integers
    answers: Integers
    correct: npt.NDArray[np.bool_]
    scores: Numbers
    lengths: Integers
    flop: Numbers
    verifier_flop: Numbers
    prompt_flop: Numbers
    verifier_prompt_flop: Numbers
