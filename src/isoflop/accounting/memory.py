"""Bytes: weights, what training keeps beside them, and the cache of keys and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from isoflop.accounting.architecture import Architecture
from isoflop.errors import UnknownName, UsageError

BITS: Mapping[str, int] = MappingProxyType(
    {
        "fp32": 32,
        "tf32": 32,
        "bf16": 16,
        "fp16": 16,
        "fp8": 8,
        "int8": 8,
        "fp4": 4,
        "int4": 4,
    }
)


@dataclass(frozen=True, slots=True)
class Memory:
    """What has to be held [bytes], over all chips together; activations are not counted."""

    weights: float
    cache: float = 0.0
    gradients: float = 0.0
    optimiser: float = 0.0

    @property
    def total(self) -> float:
        """All of it [bytes]."""
        return self.weights + self.cache + self.gradients + self.optimiser


def bits_of(precision: str | float) -> float:
    """Return the bits of a precision by name ("bf16"), or the number of bits given.

    Raises UnknownName for another name, UsageError for a number that is not above zero.
    """
    if not isinstance(precision, str):
        if not 0 < precision < float("inf"):
            raise UsageError(f"bits is {precision}; it must be finite and above zero")
        return float(precision)
    if precision not in BITS:
        raise UnknownName("precision", precision, BITS)
    return float(BITS[precision])


def serving_memory(
    architecture: Architecture,
    tokens: float,
    *,
    weights: str | float = "bf16",
    cache: str | float = "bf16",
) -> Memory:
    """Return the memory [bytes] to serve, with `tokens` cached over all sequences together.

    A mixture holds all its experts: memory goes by the total, compute by the active.
    """
    if tokens < 0:
        raise UsageError(f"tokens is {tokens}; a number of tokens cannot lie below zero")
    cached = architecture.layers * architecture.cached_width * tokens
    return Memory(
        weights=architecture.parts.total * bits_of(weights) / 8,
        cache=cached * bits_of(cache) / 8,
    )


def training_memory(
    N: float,
    *,
    weights: str | float = "bf16",
    gradients: str | float = "bf16",
    optimiser: str | float = 96,
) -> Memory:
    """Return the memory [bytes] that training N parameters keeps between steps; N is the total.

    `optimiser` is in bits per parameter: 96 is Adam in mixed precision, a master copy and two
    moments in 32 bits each, 16 bytes a parameter in all (Rajbhandari et al. 2020, section 3.1).
    """
    if not 0 < N < float("inf"):
        raise UsageError(f"N is {N}; it must be finite and above zero")
    return Memory(
        weights=N * bits_of(weights) / 8,
        gradients=N * bits_of(gradients) / 8,
        optimiser=N * bits_of(optimiser) / 8,
    )
