"""Chains of arithmetic modulo a prime: every step can be verified, and rare operands are hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from isoflop.arrays import Mask
from isoflop.errors import UsageError
from isoflop.experiments.policy.task import (
    Control,
    Demonstrations,
    Layout,
    Problems,
    Tokens,
    Verdict,
    task,
)

OPERATIONS = "+*^"  # s + a, s a, s^2 + a


@task
@dataclass(frozen=True, slots=True)
class ChainTask:
    """From s0, take m steps over the integers modulo a prime and write down every state.

    A prompt is "s0 op a op a ... =", the response the states and the stop. Operands are uniform,
    but `familiar` ones follow Zipf's law with exponent `zipf`: a warm start leaves what is rare
    under-trained, so that difficulty has a heavy tail. `familiar_steps` are the most steps that
    a warm start sees, for a policy that must go beyond them.

    Of the demonstrations, the share `retried` holds a first attempt and the token `again` before
    the solution, half of them with a slip, half right; only the solution is imitated. The share
    `interrupted` breaks off at a random state with the token `now` and gives the answer.
    """

    key: ClassVar[str] = "chain"

    modulus: int = 11
    least: int = 2
    most: int = 8
    zipf: float = 1.5
    familiar_steps: int | None = None
    retried: float = 0.0
    interrupted: float = 0.0

    def __post_init__(self) -> None:
        """Refuse chains that cannot be drawn."""
        if self.modulus < 3 or not 1 <= self.least <= self.known_steps <= self.most:
            raise UsageError(
                f"chains modulo {self.modulus} of {self.least} to {self.most} steps, "
                f"{self.known_steps} of them known, cannot be drawn"
            )
        if min(self.retried, self.interrupted) < 0 or self.retried + self.interrupted > 1:
            raise UsageError("the shares retried and interrupted must add up to one at most")

    @property
    def known_steps(self) -> int:
        """The most steps of a chain that a warm start sees."""
        return self.most if self.familiar_steps is None else self.familiar_steps

    @property
    def vocabulary(self) -> int:
        """States, operations, "=", and the tokens that steer."""
        return self.modulus + len(OPERATIONS) + 1 + len(Control._fields)

    @property
    def control(self) -> Control:
        """The last tokens of the vocabulary."""
        return Control(*range(self.vocabulary - len(Control._fields), self.vocabulary))

    @property
    def layout(self) -> Layout:
        """Attempts begin at "=" and at `again`; places count their steps."""
        equals = self.modulus + len(OPERATIONS)
        marks = (equals, self.control.again)
        return Layout(self.control.pad, marks, 2 * self.most + 2, self.most + 2)

    def problems(self, n: int, draw: np.random.Generator, *, familiar: bool = False) -> Problems:
        """Return `n` problems, their numbers of steps uniform."""
        return self._written(self._drawn(n, draw, familiar))

    def demonstrations(self, n: int, draw: np.random.Generator) -> Demonstrations:
        """Return `n` solutions, some after a first attempt, some cut short."""
        chains = self._drawn(n, draw, familiar=True)
        problems = self._written(chains)
        kind = draw.random(n)
        retried = kind < self.retried
        interrupted = ~retried & (kind < self.retried + self.interrupted)
        plain = self.most + 1  # the states and the stop
        width = 2 * plain if self.retried else plain + (self.interrupted > 0)
        responses = np.full((n, width), self.control.pad)
        responses[:, :plain] = problems.solutions
        learned = responses != self.control.pad
        self._retry(chains, problems, np.flatnonzero(retried), responses, learned, draw)
        self._interrupt(problems, np.flatnonzero(interrupted), responses, learned, draw)
        return Demonstrations(problems, responses, learned)

    def verify(self, problems: Problems, responses: Tokens) -> Verdict:
        """Return the verdict on one response to each problem.

        The answer is the last state before the stop. A derivation is sound if the last attempt
        holds every state, or every state up to `now` and the right answer after it.
        """
        n, control = len(problems), self.control
        at, right = np.zeros(n, int), np.zeros(n, int)
        last, fine = np.full(n, -1), np.ones(n, bool)
        open_, cut = np.ones(n, bool), np.zeros(n, bool)
        for token in responses.T:
            again, state = open_ & (token == control.again), open_ & (token < self.modulus)
            at[again] = right[again] = 0
            fine[again], cut[again] = True, False
            expected = np.take_along_axis(problems.solutions, at[:, None], 1)[:, 0]
            step = state & ~cut
            fine &= ~step | (token == expected)
            right += step & fine
            at = np.minimum(at + step, problems.solutions.shape[1] - 1)
            last = np.where(state, token, last)
            cut |= open_ & (token == control.now)
            strange = open_ & (token >= self.modulus) & (token < control.pad)
            fine &= ~strange
            open_ &= token != control.stop
        answers = np.where(open_, -1, last)
        correct = answers == problems.answers
        whole = cut | (at == problems.difficulty)
        return Verdict(answers, correct, correct & fine & whole, right)

    def text(self, tokens: Tokens) -> str:
        """Return tokens as a person would read them."""
        states = [str(state) for state in range(self.modulus)]
        words = [*states, *OPERATIONS, "=", "", ".", "again", "now"]
        return " ".join(word for token in tokens if (word := words[token]))

    def _drawn(self, n: int, draw: np.random.Generator, familiar: bool) -> _Drawn:
        weights = np.arange(1, self.modulus) ** -(self.zipf if familiar else 0.0)
        return _Drawn(
            draw.integers(self.least, (self.known_steps if familiar else self.most) + 1, n),
            draw.integers(self.modulus, size=n),
            draw.integers(len(OPERATIONS), size=(n, self.most)),
            draw.choice(np.arange(1, self.modulus), (n, self.most), p=weights / weights.sum()),
        )

    def _states(self, chains: _Drawn, slips: Tokens | None = None) -> Tokens:
        """Return the state after every step (n, most), `slips` (n, most) added to each."""
        state, states = chains.start, np.empty_like(chains.operands)
        for j in range(self.most):
            operation, operand = chains.operations[:, j], chains.operands[:, j]
            choices = (state + operand, state * operand, state**2 + operand)
            state = np.choose(operation, choices) % self.modulus
            if slips is not None:
                state = (state + slips[:, j]) % self.modulus
            states[:, j] = state
        return states

    def _written(self, chains: _Drawn) -> Problems:
        """Return chains as problems: prompts on the right of their columns, solutions left."""
        n, steps, control = len(chains.steps), chains.steps, self.control
        wide, rows = 2 * self.most + 2, np.arange(len(chains.steps))
        tokens = np.full((n, wide), control.pad)
        tokens[:, 0] = chains.start
        tokens[:, 1:-1:2] = chains.operations + self.modulus
        tokens[:, 2:-1:2] = chains.operands
        tokens[rows, 2 * steps + 1] = self.modulus + len(OPERATIONS)
        column = np.arange(wide) - (wide - 2 * steps[:, None] - 2)
        moved = np.take_along_axis(tokens, np.maximum(column, 0), 1)
        prompts = np.where(column >= 0, moved, control.pad)
        solutions = np.full((n, self.most + 1), control.pad)
        solutions[:, :-1] = self._states(chains)
        answers = solutions[rows, steps - 1]
        solutions[np.arange(self.most + 1) >= steps[:, None]] = control.pad
        solutions[rows, steps] = control.stop
        return Problems(prompts, solutions, answers, steps)

    def _retry(
        self,
        chains: _Drawn,
        problems: Problems,
        rows: Tokens,
        responses: Tokens,
        learned: Mask,
        draw: np.random.Generator,
    ) -> None:
        """Put a first attempt before the solution of `rows`."""
        steps = problems.difficulty[rows]
        slips = np.zeros((len(rows), self.most), int)
        where = draw.integers(0, steps)
        slips[np.arange(len(rows)), where] = draw.integers(1, self.modulus, len(rows))
        slips[draw.random(len(rows)) < 0.5] = 0
        attempts = self._states(chains.of(rows), slips)
        for row, count, attempt in zip(rows, steps, attempts, strict=True):
            solution = problems.solutions[row, : count + 1]
            response = np.concatenate((attempt[:count], [self.control.again], solution))
            responses[row, : len(response)] = response
            learned[row] = (np.arange(responses.shape[1]) > count) & (
                np.arange(responses.shape[1]) < len(response)
            )

    def _interrupt(
        self,
        problems: Problems,
        rows: Tokens,
        responses: Tokens,
        learned: Mask,
        draw: np.random.Generator,
    ) -> None:
        """Break off the solution of `rows` at a random state, and give the answer."""
        for row, at in zip(rows, draw.integers(0, problems.difficulty[rows]), strict=True):
            end = (self.control.now, problems.answers[row], self.control.stop)
            response = np.concatenate((problems.solutions[row, :at], end))
            responses[row] = self.control.pad
            responses[row, : len(response)] = response
            learned[row] = responses[row] != self.control.pad
            learned[row, at] = False


class _Drawn(NamedTuple):
    """Chains as numbers: how many steps, the start, operations and operands (n, most)."""

    steps: Tokens
    start: Tokens
    operations: Tokens
    operands: Tokens

    def of(self, rows: Tokens) -> _Drawn:
        """Return some of the chains."""
        return _Drawn(*(column[rows] for column in self))
