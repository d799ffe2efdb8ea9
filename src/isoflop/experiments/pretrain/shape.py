"""The shape of a GPT, and exactly what it holds and costs: no torch, costs come first."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.errors import UnknownName, UsageError


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder: `width` channels, `layers` blocks, `vocabulary` symbols, `context` tokens.

    The embedding is tied to the head. Every block is attention with heads of `head` channels
    and a SwiGLU of `hidden` channels; every normalisation holds one gain per channel.
    """

    width: int
    layers: int
    vocabulary: int = 256
    context: int = 128
    head: int = 16

    def __post_init__(self) -> None:
        """Refuse a shape that cannot be built."""
        if min(self.width, self.layers, self.vocabulary, self.context) < 1:
            raise UsageError(f"{self} holds a number below one")
        if self.head < 2 or self.head % 2 or self.width % self.head:
            raise UsageError(
                f"width {self.width} does not split into heads of {self.head} (even) channels"
            )

    @property
    def hidden(self) -> int:
        """Channels of the SwiGLU: 8/3 of the width, rounded up to a multiple of 16."""
        return -(-8 * self.width // 48) * 16

    @property
    def matrices(self) -> int:
        """Weights of the blocks' matrices [params]: four for attention, three for the SwiGLU."""
        return self.layers * (4 * self.width**2 + 3 * self.width * self.hidden)

    @property
    def gains(self) -> int:
        """Gains of the normalisations [params]: two a block and the last."""
        return (2 * self.layers + 1) * self.width

    @property
    def embedding(self) -> int:
        """Weights of the embedding, which is the head too [params]."""
        return self.vocabulary * self.width

    def parameters(self, convention: str = "total") -> int:
        """Return the parameters [params] by `convention`: "total" or "non-embedding".

        >>> Shape(width=64, layers=3).parameters()
        164288
        """
        counts = {
            "total": self.matrices + self.gains + self.embedding,
            "non-embedding": self.matrices + self.gains,
        }
        return _by_convention("parameter convention", convention, counts)

    def flop_per_token(self, convention: str = "detailed") -> int:
        """Return training FLOP per token by `convention`, forward and backward.

        "6ND" is six times the total parameters, "6ND-non-embedding" six times the others.
        "detailed" counts the matrix products alone: blocks and head at six a weight, and causal
        attention, whose scores and mixing take 2 * 2 * width products over context / 2 keys and
        three times that with the backward pass. The embedding is looked up, not multiplied.
        """
        attention = 6 * self.layers * self.context * self.width
        counts = {
            "6ND": 6 * self.parameters("total"),
            "6ND-non-embedding": 6 * self.parameters("non-embedding"),
            "detailed": 6 * (self.matrices + self.embedding) + attention,
        }
        return _by_convention("FLOP convention", convention, counts)


def _by_convention(kind: str, convention: str, counts: dict[str, int]) -> int:
    try:
        return counts[convention]
    except KeyError:
        raise UnknownName(kind, convention, counts) from None
