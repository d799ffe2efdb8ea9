"""Search against a process verifier: beams, beams that look ahead, diverse trees, rebalanced ones.

All of them take `n` responses on step by step, a step being a token, drop some and repeat
others; of what is left in the end, each answer has the sum of its scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Integers, Mask, Numbers
from isoflop.errors import UsageError
from isoflop.experiments.policy import Problems
from isoflop.experiments.testtime.outcome import StrategyAnswers
from isoflop.experiments.testtime.registry import strategy
from isoflop.experiments.testtime.selection import allotted

if TYPE_CHECKING:
    import torch

    from isoflop.experiments.testtime.frontier import SearchFrontier
    from isoflop.experiments.testtime.sampler import Bench


@dataclass(frozen=True, slots=True)
class _Splitting:
    """`n` responses under way, of which the best 1 in `m` are kept and each goes on as `m`."""

    n: int
    m: int = 4
    look: int = 0

    def __post_init__(self) -> None:
        """Refuse responses that do not split."""
        if self.m < 1 or self.n < 1 or self.n % self.m or self.look < 0:
            raise UsageError(
                f"{self.n} responses do not split by {self.m}, looking {self.look} ahead"
            )

    @property
    def responses(self) -> int:
        """How many whole responses it costs at most."""
        return self.n * (1 + self.look)

    def _climb(
        self, bench: Bench, problems: Problems, random: torch.Generator, trees: int
    ) -> StrategyAnswers:
        """Return what a search of `trees` beams apart comes to.

        Each keeps the best 1 / `m` of its responses at each step, and goes on as `m` from each. A
        tree that has ended as a whole is left alone.
        """
        paths = bench.begin(problems, self.n)
        size = self.n // trees
        while paths.extend(random):
            scores = _ahead(paths, self.look, random).reshape(-1, trees, size)
            order = np.argsort(-scores, axis=2, kind="stable")[:, :, : size // self.m]
            parents = np.repeat(order, self.m, axis=2)
            going = paths.open.reshape(-1, trees, size).any(2, keepdims=True)
            parents = np.where(going, parents, np.arange(size))
            shift = size * np.arange(trees)[:, None]
            paths = paths.take(_flat((parents + shift).reshape(-1, self.n)))
        return bench.outcome(problems, paths)


@strategy("beam")
@dataclass(frozen=True, slots=True)
class Beam(_Splitting):
    """Of `n` beams the best `n` / `m` are kept at each step, and each goes on as `m`.

    With `look`, a beam is scored where `look` more of the likeliest tokens would take it.
    Source: Snell et al. 2024, arXiv:2408.03314, section 5.2.
    """

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the search comes to."""
        return self._climb(bench, problems, random, 1)


@strategy("dvts")
@dataclass(frozen=True, slots=True)
class DVTS(_Splitting):
    """`n` / `m` trees apart: of the `m` steps of each the best is kept, and goes on as `m`.

    Trees do not compete, so that what is kept stays diverse.
    Source: Beeching et al. 2024, "Scaling test-time compute with open models".
    """

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the search comes to."""
        return self._climb(bench, problems, random, self.n // self.m)


@strategy("rebase")
@dataclass(frozen=True, slots=True)
class Rebase:
    """`n` responses; at each step those that go on are shared out anew by softmax(score / T).

    Source: Wu et al. 2024, arXiv:2408.00724.
    """

    n: int
    T: float = 0.2

    def __post_init__(self) -> None:
        """Refuse no responses, and a temperature of zero."""
        if self.n < 1 or not self.T > 0:
            raise UsageError(f"n is {self.n} and T {self.T:g}; both must be above zero")

    @property
    def responses(self) -> int:
        """How many whole responses it costs at most."""
        return self.n

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the search comes to."""
        paths = bench.begin(problems, self.n)
        while paths.extend(random):
            open_pn = paths.open.reshape(-1, self.n)
            scores_pn = paths.scores.reshape(-1, self.n)
            parents = [self._shared(s, o) for s, o in zip(scores_pn, open_pn, strict=True)]
            paths = paths.take(_flat(np.array(parents)))
        return bench.outcome(problems, paths)

    def _shared(self, scores_n: Numbers, open_n: Mask) -> Integers:
        """Return which response (n,) goes on in each place; ended ones stay."""
        going, rows = np.flatnonzero(open_n), np.arange(open_n.size)
        if going.size:
            rows[going] = np.repeat(going, allotted(scores_n[going], going.size, self.T))
        return rows


def _ahead(paths: SearchFrontier, look: int, random: torch.Generator) -> Numbers:
    """Return the scores of responses, `look` greedy steps further on."""
    if not look:
        return paths.scores
    further = paths.copy()
    for _ in range(look):
        further.extend(random, temperature=0.0)
    return further.scores


def _flat(rows_pn: Integers) -> Integers:
    """Return rows within each problem as rows of all."""
    return np.asarray(rows_pn + rows_pn.shape[1] * np.arange(len(rows_pn))[:, None]).ravel()
