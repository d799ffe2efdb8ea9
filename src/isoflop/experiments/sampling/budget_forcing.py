"""Budgets forced on a language model: its end suppressed and more asked for, or thinking cut off.

A response is drawn in parts, each going on from the text so far, so that any backend which goes
on with a prompt can be forced.
Source: s1, Muennighoff et al. 2025, arXiv:2501.19393, section 3.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.experiments.sampling.messages import Answered, Backend, Drawing, Request, Response
from isoflop.experiments.testtime import TokenBudget, name_of
from isoflop.samples.bank import SampleBank
from isoflop.store import JSON

KIND = "forcing"  # of the documents that say which texts are put in
SEEDS = 2**31  # seeds that servers take
CUT_OFF = "cut off by its limit of tokens before its end could be suppressed"
PARTS = 1_000  # apart are the seeds of two samples


@runtime_checkable
class Redrawable(Backend, Protocol):
    """A backend whose way of drawing is its own to change."""

    drawing: Drawing


@dataclass(frozen=True, slots=True)
class BudgetForcing:
    """How the length of a response is forced.

    Its end is suppressed `budget.again` times and `more` put in its place; after
    `budget.tokens` tokens thinking is cut off. Thinking ends where `end` is said, such as
    "</think>", or is put in, with `answer` behind it, such as "Final Answer:"; the answer follows.
    Without `end` a response is thinking as a whole.
    """

    budget: TokenBudget
    more: str = "Wait"
    end: str = ""
    answer: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not be put in."""
        if self.budget.again and not self.more:
            raise UsageError("to ask for more, a text must be put in, such as 'Wait'")
        if self.budget.tokens is not None and not (self.end and self.budget.tokens):
            raise UsageError(
                "a limit of tokens needs one at least, and the text that ends thinking, such as "
                "'</think>' or 'Final answer:'"
            )

        if self.answer and not self.end:
            raise UsageError(
                "what introduces the answer follows the end of thinking; say what ends it, such as "
                "'</think>'"
            )

    @property
    def texts(self) -> dict[str, str]:
        """What is put in, by what it is for."""
        answer = {"answer": self.answer} if self.answer else {}
        return {"more": self.more, "end": self.end, **answer}

    @property
    def strategy(self) -> str:
        """What a bank calls samples that were forced so."""
        return name_of(self.budget)


@dataclass
class BudgetForcedBackend:
    """A backend whose responses are forced; it must go on with a prompt, not answer a message.

    Tokens and FLOP are of what the model generates: a server that keeps what it read last does
    not read a response again, and what is put in is a few tokens.
    """

    inner: Redrawable
    forcing: BudgetForcing

    @property
    def at_once(self) -> int:
        """How many requests may be under way together."""
        return self.inner.at_once

    def describe(self) -> dict[str, JSON]:
        """Return what a sample depends on but for the forcing, which `remember` writes down."""
        return self.inner.describe()

    def load(self) -> None:
        """Make the backend ready."""
        self.inner.load()

    async def close(self) -> None:
        """Let go of what the backend holds."""
        await self.inner.close()

    async def answer(self, request: Request) -> Answered:
        """Return responses, begun side by side and gone on with one by one.

        Raises EnvironmentFailure for a limit where nobody counts tokens.
        """
        began = time.monotonic()
        first = await self._backend(0).answer(request)
        forced = [
            await self._forced(replace(request, numbers=(number,)), part)
            for number, part in zip(request.numbers, first.responses, strict=False)
        ]
        return replace(first, responses=tuple(forced), seconds=time.monotonic() - began)

    async def _forced(self, request: Request, part: Response) -> Response:
        """Return the whole of a response that began so."""
        budget, end, response = self.forcing.budget, self.forcing.end, _Said([part], part.text)
        for _ in range(budget.again):
            if response.parts[-1].tokens == self.inner.drawing.most:
                # There is no end to suppress, and what is not forced is not filed as forced.
                return replace(response.response, left_out=CUT_OFF)
            if self._left(response) <= 0:
                break  # the limit of thinking, which its end follows
            await self._go_on(request, response, self.forcing.more, self._backend(response.tokens))
        if end:
            await self._go_on(request, response, end + self.forcing.answer, self.inner)
        return response.response

    async def _go_on(
        self, request: Request, response: _Said, put_in: str, backend: Backend
    ) -> None:
        """Put a text in, and let the model go on from there."""
        text = response.text + put_in
        continuation = replace(
            request,
            problem=replace(request.problem, prompt=request.problem.prompt + text),
            seed=(request.seed + len(response.parts) + request.numbers[0] * PARTS) % SEEDS,
        )
        part = (await backend.answer(continuation)).responses[0]
        response.parts.append(part)
        response.text = text + part.text

    def _left(self, response: _Said) -> float:
        """Return how many tokens of thinking are left."""
        limit = self.forcing.budget.tokens
        if limit is None:
            return math.inf
        if any(part.tokens is None for part in response.parts):
            raise EnvironmentFailure("the server counts no tokens: no limit can be held")
        return limit - response.tokens

    def _backend(self, used: int) -> Backend:
        """Return the backend, drawing what is left of thinking after so many tokens."""
        limit, drawing = self.forcing.budget.tokens, self.inner.drawing
        most = drawing.most if limit is None else limit - used
        stop = (self.forcing.end,) if self.forcing.end else drawing.stop
        other = copy.copy(self.inner)  # the connection, or the model, is the same
        other.drawing = replace(drawing, most=most, stop=stop)
        return other


@dataclass
class _Said:
    """A response under way: what the model said in parts, and the text with what was put in."""

    parts: list[Response]
    text: str

    @property
    def tokens(self) -> int:
        return sum(part.tokens or 0 for part in self.parts)

    @property
    def response(self) -> Response:
        flop, has_tokens = (
            [p.flop for p in self.parts],
            all(p.tokens is not None for p in self.parts),
        )
        return Response(
            self.text,
            self.tokens if has_tokens else None,
            None if None in flop else sum(f for f in flop if f is not None),
        )


def force(
    bank: SampleBank, lineage: str, backend: Backend, forcing: BudgetForcing
) -> BudgetForcedBackend:
    """Return the backend whose responses are forced, and note in the bank which texts it puts in.

    Raises UsageError for a backend that cannot go on with a response, and what `remember` raises.
    """
    if not isinstance(backend, Redrawable):
        raise UsageError("this backend cannot go on with a response, so no budget can be forced")
    remember(bank, lineage, forcing)
    return BudgetForcedBackend(backend, forcing)


def remember(bank: SampleBank, lineage: str, forcing: BudgetForcing) -> None:
    """Write down which texts are put into the samples of a lineage that are forced so.

    Raises UsageError where the bank's have others.
    """
    name, texts = f"{forcing.strategy}, {lineage}", forcing.texts
    for document in bank.study.documents(KIND):
        if document.name == name and document.body != texts:
            raise UsageError(
                f"{forcing.strategy} of {lineage!r} was forced by other texts, {document.body}; "
                "give these samples another --lineage, or another bank"
            )
    bank.study.put(KIND, name, dict(texts))
