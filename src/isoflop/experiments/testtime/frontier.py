"""Responses under way: taken on token by token, judged as they go, dropped and repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isoflop.arrays import Mask, Numbers
from isoflop.experiments.policy import forward_flop
from isoflop.experiments.policy.cache import Decoding
from isoflop.experiments.policy.sampling import choose
from isoflop.experiments.policy.task import Tokens
from isoflop.experiments.testtime.outcome import ComputeCost
from isoflop.experiments.testtime.verifier_protocol import Verifier, VerifierState

# Array suffixes: n responses, some to each problem in neighbouring rows; v vocabulary.

DRAW = -1  # in place of a token that is to be drawn


@dataclass(frozen=True, eq=False, slots=True)
class Where:
    """To which problem each response (n,) is, how long its prompt is, and the costs so far."""

    problem: Tokens
    prompt: Numbers
    cost: ComputeCost

    def of(self, rows: Tokens) -> Where:
        """Return that of some responses; costs go to the same account."""
        return Where(self.problem[rows], self.prompt[rows], self.cost)

    def count(self, what: str, rows: Mask, amount_n: Any) -> None:
        """Add amounts (n,) of some of the responses to what their problems cost."""
        amounts = np.broadcast_to(amount_n, rows.shape)[rows]
        np.add.at(getattr(self.cost, what), self.problem[rows], amounts)


@dataclass(eq=False)
class SearchFrontier:
    """Responses under way and the verifier's `scores` (n,) of each, as far as it goes.

    `tokens` (n, most) are padded on the right; `open` (n,) says which responses go on. What
    several responses begin with is read and counted once, as with a shared cache, and so is
    the prompt. A token that no other follows is not put through the policy.
    """

    policy: Decoding
    verifier: Verifier
    judging: VerifierState
    where: Where
    stop: int
    tokens: Tokens
    open: Mask
    scores: Numbers
    at: int = 0  # tokens of the open responses so far
    owing: Mask | None = None  # whose last token is yet to go through the policy and be counted

    @property
    def spent(self) -> ComputeCost:
        """What it has cost so far, by problem."""
        return self.where.cost

    @property
    def probabilities(self) -> Numbers:
        """The policy's distribution (n, v) of the next token."""
        self._settle()
        return np.asarray(self.policy.logits.softmax(-1).numpy(), float)

    def extend(
        self,
        random: torch.Generator,
        temperature: float = 1.0,
        given_n: Tokens | None = None,
        new_n: Mask | None = None,
    ) -> bool:
        """Take every open response one token on; return whether any still goes on.

        Tokens are drawn unless `given_n` says which. Of open responses only `new_n` are counted:
        down a search tree, what was read before comes at no cost.
        """
        if not self.open.any() or self.at == self.tokens.shape[1]:
            return False
        self._settle()
        tokens = choose(self.policy.logits, random, temperature).numpy()
        if given_n is not None:
            tokens = np.where(given_n == DRAW, tokens, given_n)
        self.tokens[self.open, self.at] = tokens[self.open]
        self.judging.read(tokens)
        self.scores = np.where(self.open, self.judging.scores, self.scores)
        new = self.open if new_n is None else self.open & new_n
        self.where.count("tokens", new, 1.0)
        flop = self.verifier.flop(1, self.where.prompt + self.at)
        self.where.count("verifier_flop", new, flop)
        self.open = self.open & (tokens != self.stop)
        self.owing, self.at = self.open & new, self.at + 1
        return bool(self.open.any()) and self.at < self.tokens.shape[1]

    def take(self, rows_n: Tokens) -> SearchFrontier:
        """Return some of the responses, in the order of `rows_n`, repeats allowed.

        Dropped ones cost nothing more, and of repeats the last token is read once.
        """
        unique_rows, back = np.unique(rows_n, return_inverse=True)
        return self._rows(unique_rows).copy()._rows(back)

    def copy(self) -> SearchFrontier:
        """Return the same responses, to be taken on apart; costs go to the same account."""
        self._settle()
        return self._rows(np.arange(self.open.size))

    def _rows(self, rows: Tokens) -> SearchFrontier:
        return SearchFrontier(
            policy=self.policy.take(torch.from_numpy(rows)),
            verifier=self.verifier,
            judging=self.judging.take(rows),
            where=self.where.of(rows),
            stop=self.stop,
            tokens=self.tokens[rows],
            open=self.open[rows],
            scores=self.scores[rows],
            at=self.at,
            owing=None if self.owing is None else self.owing[rows],
        )

    def _settle(self) -> None:
        """Put the last tokens through the policy."""
        if not self.at or self.owing is None:
            return
        self.policy.advance(torch.from_numpy(self.tokens[:, self.at - 1]))
        flop = forward_flop(self.policy.model.shape, 1, self.where.prompt + self.at - 1)
        self.where.count("flop", self.owing, flop)
        self.owing = None
