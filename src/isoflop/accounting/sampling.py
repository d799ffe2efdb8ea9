"""What many samples of one prompt cost: the prompt is read once, its cache is shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isoflop.accounting.architecture import Architecture
from isoflop.accounting.flop import decode_flop, prefill_flop
from isoflop.errors import UsageError


@dataclass(frozen=True, slots=True)
class SamplingCost:
    """FLOP of k samples of a prompt: reading it, generating, and judging what came."""

    prompt: Any
    generation: Any
    verification: Any

    @property
    def total(self) -> Any:
        """All of it."""
        return self.prompt + self.generation + self.verification


def sampling_flop(
    architecture: Architecture,
    prompt: float,
    output: float,
    k: Any = 1,
    *,
    verifier: Architecture | None = None,
) -> SamplingCost:
    """Return the FLOP of `k` samples of `output` tokens after a prompt of `prompt` tokens.

    Attention to all that came before is counted, by a cache of keys and values. A verifier reads
    the prompt and each sample anew: its cache of the prompt is not shared.
    Raises UsageError for fewer than one token or sample.
    """
    if min(prompt, output) < 1 or not (k == k and k >= 1):
        raise UsageError(
            f"{k} samples of {output} tokens after {prompt}; give one of each at least"
        )
    verifier_flop = 0.0 if verifier is None else k * prefill_flop(verifier, prompt + output)
    return SamplingCost(
        prefill_flop(architecture, prompt),
        k * decode_flop(architecture, prompt, output),
        verifier_flop,
    )


def sampling_price(
    prompt: Any, output: Any, k: Any = 1, *, read: float, written: float, shared: bool = True
) -> Any:
    """Return the money [USD] of k samples at a price per 1e6 tokens read and written.

    Most servers charge a prompt once for a request of k samples; say shared=False for those that
    are asked k times.
    Raises UsageError for a price below zero.
    """
    if read < 0 or written < 0:
        raise UsageError(f"prices are {read} and {written} USD per 1e6 tokens; none is below zero")
    return ((1 if shared else k) * prompt * read + k * output * written) / 1e6
