"""What a verifier is to a strategy: scores of responses, whole or under way; no torch."""

from __future__ import annotations

from typing import Any, Protocol

from isoflop.arrays import Numbers
from isoflop.experiments.policy.task import Problems, Tokens


class VerifierState(Protocol):
    """What a verifier makes of responses under way."""

    @property
    def scores(self) -> Numbers:
        """The score (n,) of each response, as far as it was read."""

    def read(self, tokens_n: Tokens) -> None:
        """Read one more token of each response."""

    def take(self, rows: Tokens) -> VerifierState:
        """Return the judging of some responses, in the order of `rows`, repeats allowed."""


class Verifier(Protocol):
    """Scores responses from 0 to 1: the chance that they end up right."""

    def begin(self, problems: Problems, more: int) -> VerifierState:
        """Return the judging of an empty response to each problem, of `more` tokens at most."""

    def scores(self, problems: Problems, responses: Tokens) -> Numbers:
        """Return the score (n,) of the last token of each response (n, t), padded on the right."""

    def flop(self, tokens: Any, before: Any = 0) -> Any:
        """Return what reading so many tokens costs, so many having been read before [FLOP]."""
