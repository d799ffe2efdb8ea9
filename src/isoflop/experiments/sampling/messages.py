"""What a backend is asked and what it answers; no torch, no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from isoflop.store import JSON


@dataclass(frozen=True, slots=True)
class TextProblem:
    """A problem as text, and its right answer; an empty one is unknown, and nothing is graded."""

    name: str
    prompt: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Ask for the samples of a problem that have these numbers; their seed is their own."""

    problem: TextProblem
    numbers: tuple[int, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Response:
    """One response; `flop` is of generating it, `logprob` [nats/token] its mean log-probability.

    What a backend does not tell is None. `left_out` says why the response is not what was asked
    for, such as one cut off before it could be forced; it is kept, and counts in no estimate.
    """

    text: str
    tokens: int | None = None
    flop: float | None = None
    logprob: float | None = None
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """Responses to one request, at most as many as were asked for, and what they share.

    `seconds` is how long the request took.
    """

    responses: tuple[Response, ...]
    prompt_tokens: int | None = None
    prompt_flop: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """How responses are drawn: `most` tokens at most, cut at the first of `stop`."""

    temperature: float = 1.0
    most: int = 256
    stop: tuple[str, ...] = ()

    def cut(self, text: str) -> str:
        """Return a text up to the first stop, for a backend that did not stop there."""
        return text[: min((i for s in self.stop if (i := text.find(s)) >= 0), default=len(text))]


class Backend(Protocol):
    """What draws samples."""

    @property
    def at_once(self) -> int:
        """How many requests may be under way together."""

    def describe(self) -> dict[str, JSON]:
        """Return all that a sample depends on, as JSON; never a key, never an address."""

    def load(self) -> None:
        """Make ready, which may take a while.

        Raises EnvironmentFailure where that cannot be.
        """

    async def answer(self, request: Request) -> Answered:
        """Return responses.

        Raises NoAnswer where there is none, EnvironmentFailure where there will never be.
        """

    async def close(self) -> None:
        """Let go of what is held."""
