"""FLOP by named convention: of training, per token and per run, and of generating."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from isoflop.accounting.architecture import Architecture
from isoflop.errors import UnknownName, UsageError


def training_flop(architecture: Architecture, D: Any = 1, convention: str = "6ND") -> Any:
    """Return the training FLOP [FLOP] of D tokens by `convention`; of one token unless D is given.

    A token of a mixture is charged for the experts that it meets, in every convention.

    - "6ND": six per active parameter, tables included (Kaplan's rule with total N)
    - "6ND-with-head": six per active parameter of the blocks and the head (Porian et al. 2024)
    - "6ND-non-embedding": six per active parameter outside the tables (Kaplan et al. 2020)
    - "MD": blocks at six a weight and attention over the whole context (DeepSeek 2024)
    - "detailed": matrix products alone: blocks, head, and attention over the causal half
    - "hoffmann": appendix F of Hoffmann et al. 2022, as its table A4; see `hoffmann_flop`
    - "palm": 6N + 12 l h q s (Chowdhery et al. 2022, appendix B)
    - "megatron": Narayanan et al. 2021 without recomputation; "megatron-recomputed" with it

    Raises UnknownName for any other convention, UsageError for tokens below zero.
    """
    if convention not in FLOP_CONVENTIONS:
        raise UnknownName("convention of C", convention, FLOP_CONVENTIONS)
    return _tokens(D, "D") * float(FLOP_CONVENTIONS[convention](architecture))


def hoffmann_flop(
    architecture: Architecture,
    D: Any = 1,
    *,
    embeddings: bool = False,
    logits: bool = False,
    causal: bool = False,
) -> Any:
    """Return the training FLOP [FLOP] of D tokens as appendix F of Hoffmann et al. 2022 counts.

    `embeddings` counts the input table as a product with one-hot vectors, `logits` the output
    table; the appendix describes both, and its table A4 follows from neither. `causal` halves
    what depends on the context: the scores, their softmax and the mixing of values.
    """
    a = architecture
    table = 2 * a.vocabulary * a.width
    attention = a.context * (2 * a.attended_width + 3 * a.heads) * (0.5 if causal else 1)
    blocks = 2 * a.parts.multiplied + a.layers * attention
    return _tokens(D, "D") * 3.0 * (blocks + table * (embeddings + logits))


def prefill_flop(architecture: Architecture, prompt: Any) -> Any:
    """Return the FLOP [FLOP] to read a prompt [tokens]: causal attention, logits of the last."""
    prompt = _tokens(prompt, "prompt")
    a = architecture
    attention = 2.0 * a.layers * a.attended_width * prompt * (prompt + 1) / 2
    return 2.0 * a.parts.multiplied * prompt + attention + 2.0 * a.vocabulary * a.width


def decode_flop(architecture: Architecture, prompt: Any, output: Any) -> Any:
    """Return the FLOP [FLOP] to generate `output` tokens after `prompt` tokens, one at a time.

    Every token passes the blocks and the head once and attends over all that came before it.
    """
    prompt, output = _tokens(prompt, "prompt"), _tokens(output, "output")
    a = architecture
    keys = output * prompt + output * (output + 1) / 2
    weights = a.parts.multiplied + a.vocabulary * a.width
    return 2.0 * weights * output + 2.0 * a.layers * a.attended_width * keys


def _attention(a: Architecture) -> float:
    """Forward FLOP per token of scores and values over the whole context."""
    return 2.0 * a.layers * a.attended_width * a.context


def _megatron(a: Architecture, passes: int) -> float:
    """Blocks and attention as many passes as recomputation takes, the head always three."""
    blocks = 2 * a.parts.multiplied + _attention(a)
    return passes * blocks + 6 * a.vocabulary * a.width


FLOP_CONVENTIONS: Mapping[str, Callable[[Architecture], float]] = MappingProxyType(
    {
        "6ND": lambda a: 6 * a.parts.active,
        "6ND-with-head": lambda a: 6 * (a.parameters("with-head") - a.parts.idle),
        "6ND-non-embedding": lambda a: 6 * (a.parts.non_embedding - a.parts.idle),
        "MD": lambda a: a.parameters("flops-per-token"),
        "detailed": lambda a: (
            6 * (a.parts.multiplied + a.vocabulary * a.width) + 1.5 * _attention(a)
        ),
        "hoffmann": lambda a: float(hoffmann_flop(a)),
        "palm": lambda a: 6 * a.parts.active + 3 * _attention(a),
        "megatron": lambda a: _megatron(a, 3),
        "megatron-recomputed": lambda a: _megatron(a, 4),
    }
)


def _tokens(count: Any, what: str) -> Any:
    if not bool((count >= 0).all() if hasattr(count, "all") else count >= 0):
        raise UsageError(f"{what} is {count}; a number of tokens cannot lie below zero")
    return count
