"""The shape of a transformer decoder, and exactly what it holds, by convention."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal, get_args

from isoflop.errors import UnknownName, UsageError, brief
from isoflop.quantities import refuse_count

Positions = Literal["rotary", "learned", "relative"]

MOST = 10**9  # of layers, channels, tokens and experts each: a thousand times what there is

_DERIVED: Any = None  # filled in from the other numbers


@dataclass(frozen=True, slots=True)
class Latent:
    """Attention through low-rank latents (DeepSeek's MLA).

    Keys and values pass through `key_value` channels, queries through `query` (None: directly).
    `rotary` channels carry positions, on top of the head size; all heads share their keys.
    """

    key_value: int
    rotary: int
    query: int | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """Where the parameters are [params]; the sums are by convention.

    `embedding` is the input table, `head` the output table (0 if tied), `positions` a learned
    table of positions. `attention`, `feed_forward` and `routers` are matrices of the blocks, and
    `vectors` their gains and biases. `relative` projects relative positions. `routed` is the part
    of `feed_forward` in routed experts, and `idle` the part of that which a token does not meet.
    """

    embedding: int
    head: int
    positions: int
    attention: int
    feed_forward: int
    routers: int
    relative: int
    vectors: int
    routed: int
    idle: int

    @property
    def non_embedding(self) -> int:
        """All but the tables of tokens and of positions, as Kaplan et al. count."""
        blocks = self.attention + self.feed_forward + self.routers
        return blocks + self.relative + self.vectors

    @property
    def total(self) -> int:
        """All of them; a tied table counts once."""
        return self.non_embedding + self.embedding + self.head + self.positions

    @property
    def active(self) -> int:
        """Those that one token meets: the total less idle experts."""
        return self.total - self.idle

    @property
    def multiplied(self) -> int:
        """Weights of the blocks that one token is multiplied by."""
        return self.attention + self.feed_forward + self.routers - self.idle


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A decoder of `layers` blocks, `width` channels and `heads` heads of attention.

    `feed_forward` is the inner width of the feed-forward layer: three matrices if `gated`
    (SwiGLU), two if not. `vocabulary` is in [tokens], `context` the training sequence [tokens].
    `kv_heads` (grouped queries) is `heads` unless given, `head_size` is width / heads. `tied`
    uses the embedding as the head. `biases` puts one on every matrix and normalisation.
    `positions` are "rotary" (or any without weights), "learned" (a table of `context` rows) or
    "relative" (a projection per layer, as in Gopher and Chinchilla).

    A mixture has `experts` routed experts, of which a token meets `top_k`, and `shared_experts`
    that every token meets, each `expert_feed_forward` wide (`feed_forward` unless given); its
    first `dense_layers` layers have none.

    What is derived stays when `dataclasses.replace` changes the rest; None derives it anew.
    """

    layers: int
    width: int
    heads: int
    feed_forward: int
    vocabulary: int
    context: int
    kv_heads: int = _DERIVED
    head_size: int = _DERIVED
    gated: bool = True
    tied: bool = False
    biases: bool = False
    positions: Positions = "rotary"
    experts: int = 0
    top_k: int = 0
    shared_experts: int = 0
    expert_feed_forward: int = _DERIVED
    dense_layers: int = 0
    latent: Latent | None = None

    def __post_init__(self) -> None:
        """Fill in what follows from the rest, and refuse a shape that cannot be built."""
        may_be_zero = {"experts", "top_k", "shared_experts", "dense_layers"}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and value is not None:
                _set(
                    self,
                    field.name,
                    _whole(field.name, value, 0 if field.name in may_be_zero else 1),
                )
        _fill_attention(self)
        _check_experts(self)
        if self.positions not in get_args(Positions):
            raise UnknownName("kind of positions", self.positions, get_args(Positions))

    @property
    def attention_width(self) -> int:
        """Channels of all heads together."""
        return self.heads * self.head_size

    @property
    def aspect(self) -> float:
        """Width over layers."""
        return self.width / self.layers

    @property
    def expert_layers(self) -> int:
        """Layers that hold experts."""
        return self.layers - self.dense_layers if self.experts else 0

    @property
    def attended_width(self) -> int:
        """Channels a query meets per key: those of the scores and of the values together."""
        return self.heads * (2 * self.head_size + (self.latent.rotary if self.latent else 0))

    @property
    def cached_width(self) -> int:
        """Channels kept per token and layer while generating: keys and values, or latents."""
        if self.latent:
            return self.latent.key_value + self.latent.rotary
        return 2 * self.kv_heads * self.head_size

    @property
    def parts(self) -> Parameters:
        """Where the parameters are."""
        table = self.vocabulary * self.width
        expert = self._matrices(self.expert_feed_forward)
        routed, shared = self.experts * expert, self.shared_experts * expert
        dense = (self.layers - self.expert_layers) * self._matrices(self.feed_forward)
        relative = self.width * self.attention_width if self.positions == "relative" else 0
        return Parameters(
            embedding=table,
            head=0 if self.tied else table,
            positions=self.context * self.width if self.positions == "learned" else 0,
            attention=self.layers * self._attention(),
            feed_forward=dense + self.expert_layers * (routed + shared),
            routers=self.expert_layers * self.experts * self.width,
            relative=self.layers * relative,
            vectors=self._vectors(),
            routed=self.expert_layers * routed,
            idle=self.expert_layers * (self.experts - self.top_k) * expert,
        )

    def parameters(self, convention: str = "total") -> int:
        """Return the parameters [params] by `convention`.

        "total", "with-head" (the blocks and the output head, which costs FLOP, without the tables
        that are looked up: Porian et al. 2024, nanochat), "non-embedding" (the blocks alone),
        "active" (those that one token meets), or "flops-per-token": DeepSeek's M, the training FLOP
        per token of the blocks with full attention, of which C = M D.

        Raises UnknownName for any other.
        """
        parts = self.parts
        counts = {
            "total": parts.total,
            "with-head": parts.non_embedding + self.vocabulary * self.width,
            "non-embedding": parts.non_embedding,
            "active": parts.active,
            "flops-per-token": 6 * parts.multiplied
            + 6 * self.layers * self.attended_width * self.context,
        }
        if convention not in counts:
            raise UnknownName("convention of N", convention, counts)
        return counts[convention]

    def _attention(self) -> int:
        if self.latent is None:
            return 2 * self.width * (self.heads + self.kv_heads) * self.head_size
        rank, rotary, query = self.latent.key_value, self.latent.rotary, self.latent.query
        queries = self.heads * (self.head_size + rotary)
        into = self.width * queries if query is None else query * (self.width + queries)
        keys_values = self.width * (rank + rotary) + rank * 2 * self.attention_width
        return into + keys_values + self.attention_width * self.width

    def _matrices(self, inner: int) -> int:
        return (3 if self.gated else 2) * self.width * inner

    def _vectors(self) -> int:
        gains = (2 * self.layers + 1) * self.width
        if self.latent:
            gains += self.layers * (self.latent.key_value + (self.latent.query or 0))
        if not self.biases:
            return gains
        into = 2 if self.gated else 1
        expert = into * self.expert_feed_forward + self.width
        dense = into * self.feed_forward + self.width
        attention = (self.heads + 2 * self.kv_heads) * self.head_size + self.width
        return (
            2 * gains
            + self.layers * attention
            + (self.layers - self.expert_layers) * dense
            + self.expert_layers * (self.experts + self.shared_experts) * expert
        )


def _set(architecture: Architecture, name: str, value: int) -> None:
    object.__setattr__(architecture, name, value)


def _whole(name: str, value: object, least: int) -> int:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise UsageError(f"{name} is {brief(value)}; it must be a whole number")
    refuse_count(name, value, least, MOST)  # type: ignore[arg-type]
    return int(value)  # type: ignore[call-overload,no-any-return]


def _fill_attention(a: Architecture) -> None:
    """Fill in heads' size and number.

    Raises UsageError where they do not divide.
    """
    if a.head_size is None:
        if a.width % a.heads:
            raise UsageError(
                f"width {a.width} does not split into {a.heads} heads; give head_size, or a number "
                f"of heads that divides it, such as {_divisor(a.width, a.heads)}"
            )
        _set(a, "head_size", a.width // a.heads)
    if a.kv_heads is None:
        _set(a, "kv_heads", a.heads)
    if a.heads % a.kv_heads:
        raise UsageError(
            f"{a.heads} heads cannot share {a.kv_heads} heads of keys and values evenly; the "
            f"nearest number that divides them is {_divisor(a.heads, a.kv_heads)}"
        )


def _check_experts(a: Architecture) -> None:
    """Fill in the experts' width.

    Raises UsageError for experts that no token meets, or a token that meets too many.
    """
    if a.expert_feed_forward is None:
        _set(a, "expert_feed_forward", a.feed_forward)
    if a.dense_layers > a.layers:
        raise UsageError(f"dense_layers is {a.dense_layers}, more than the {a.layers} layers")
    if a.experts and not 1 <= a.top_k <= a.experts:
        raise UsageError(
            f"a token meets top_k = {a.top_k} of {a.experts} experts; give 1 to {a.experts}"
        )
    if not a.experts and (a.top_k or a.shared_experts or a.dense_layers):
        raise UsageError(
            "top_k, shared_experts and dense_layers belong to a mixture; give experts as well"
        )


def _divisor(number: int, near: int) -> int:
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return min((*small, *(number // d for d in small)), key=lambda d: (abs(d - near), d))
