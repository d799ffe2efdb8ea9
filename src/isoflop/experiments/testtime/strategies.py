"""Strategies of spending compute on a problem, each a few lines over a policy and a verifier.

A strategy is a frozen dataclass of numbers with a name such as "beam/n=16,m=2". Called with a
bench, problems and random numbers, it gives each problem one answer and says what it cost. No
torch: what is drawn, and how, is the bench's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.policy import Problems
from isoflop.experiments.testtime.outcome import ComputeCost, StrategyAnswers
from isoflop.experiments.testtime.registry import strategy
from isoflop.experiments.testtime.selection import (
    CHOICES,
    NONE,
    chosen,
    cost_of,
    majority,
    settled,
)

if TYPE_CHECKING:
    import torch

    from isoflop.experiments.testtime.sampler import Bench

PARALLEL = "parallel"  # what the bank calls plain samples
FIRST = 2  # samples of an adaptive vote before it may stop


@strategy("parallel")
@dataclass(frozen=True, slots=True)
class Parallel:
    """`n` samples, of which one answer is chosen: by the "best", "weighted" or "majority"."""

    n: int
    by: str = "weighted"

    def __post_init__(self) -> None:
        """Refuse no samples, and an unknown choice."""
        _refuse(self, self.n < 1)
        _known_choice(self.by)

    @property
    def responses(self) -> int:
        """How many responses there are at most."""
        return self.n

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the samples come to."""
        responses = bench.draw(problems, self.n, random, scored=self.by != "majority")
        return chosen(responses, self.by)


@strategy("adaptive")
@dataclass(frozen=True, slots=True)
class Adaptive:
    """A vote of up to `n` samples, doubled until more would hardly change it."""

    n: int
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse fewer samples than can agree, and a confidence that is none."""
        _refuse(self, self.n < FIRST or not 0.5 < self.confidence < 1)

    @property
    def responses(self) -> int:
        """How many responses there are at most."""
        return self.n

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the vote comes to."""
        total_cost = ComputeCost.nothing(len(problems))
        answers = np.full((len(problems), self.n), NONE)
        rows, have = np.arange(len(problems)), 0
        while rows.size and have < self.n:
            more = min(max(have, FIRST), self.n - have)
            responses = bench.draw(problems[rows], more, random, scored=False)
            cost = cost_of(responses)
            total_cost.add(rows, cost if not have else _without_prompt(cost))
            answers[rows, have : have + more] = responses.answers
            have += more
            rows = rows[~settled(answers[rows, :have], self.confidence)]
        return StrategyAnswers(majority(answers), total_cost, np.full(len(problems), np.nan))


@strategy("revision")
@dataclass(frozen=True, slots=True)
class Revision:
    """`n` attempts in chains of `chain`, each attempt after the last of its chain.

    A mix of sequential and parallel at the ratio of `chain` to `n` / `chain`. All attempts,
    also the earlier ones, are chosen from.
    Source: Snell et al. 2024, arXiv:2408.03314, section 6.
    """

    n: int
    chain: int
    by: str = "weighted"

    def __post_init__(self) -> None:
        """Refuse chains that do not fill the attempts."""
        _refuse(self, self.chain < 1 or self.n < 1 or self.n % max(self.chain, 1) != 0)
        _known_choice(self.by)

    @property
    def responses(self) -> int:
        """How many responses there are at most."""
        return self.n

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the attempts come to."""
        chains, again = self.n // self.chain, self.chain - 1
        responses = bench.draw(problems, chains, random, again=again, scored=False)
        attempts = bench.attempts(problems, responses, self.chain)
        scored = attempts if self.by == "majority" else bench.scored(problems, attempts)
        return chosen(scored, self.by)


@strategy("budget")
@dataclass(frozen=True, slots=True)
class TokenBudget:
    """One response whose length is forced: up by `again` more attempts, or down to `tokens`.

    The stop is suppressed and "again" put in its place, so many times; or after `tokens` tokens
    "now" is put in, which asks for the answer. The last answer counts.
    Source: s1, Muennighoff et al. 2025, arXiv:2501.19393, section 3.
    """

    again: int = 0
    tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse lengths that are none."""
        _refuse(self, self.again < 0 or (self.tokens is not None and self.tokens < 0))

    @property
    def responses(self) -> int:
        """How many responses there are at most, in tokens of one."""
        return 1 + self.again

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the responses come to."""
        responses = bench.draw(
            problems, 1, random, again=self.again, limit=self.tokens, scored=False
        )
        return chosen(responses, "majority")


def _without_prompt(cost: ComputeCost) -> ComputeCost:
    """Return a cost less the prompt, which was read before."""
    return replace(cost, prompt_flop=np.zeros_like(cost.flop))


def _refuse(settings: Any, wrong: bool) -> None:
    if wrong:
        raise UsageError(f"{settings} cannot be run: its numbers do not fit together")


def _known_choice(by: str, choices: Mapping[str, Any] = CHOICES) -> None:
    if by not in choices:
        raise UnknownName("choice", by, choices)
