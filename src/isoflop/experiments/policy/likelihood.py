"""How likely a policy finds given responses: for policy gradients, KL and entropy."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.policy.sampling import log_softmax

# Tensor suffixes: n sequences, t tokens, w width, v vocabulary.


class Likelihood(NamedTuple):
    """Of every token of the responses (n, t): log-probability and the entropy there [nats].

    Only the first carries gradients.
    """

    logp: Tensor
    entropy: Tensor


def response_logits(model: PolicyModel, prompts: Tensor, responses: Tensor) -> Tensor:
    """Return the logits (n, t, v) that each token of `responses` (n, t) was drawn from.

    `prompts` (n, p) are padded on the left and responses on the right. The padding between
    cannot be seen: sequences are moved to the left, where causality hides what follows.
    """
    return model.logits(response_stream(model, prompts, responses))


def response_stream(model: PolicyModel, prompts: Tensor, responses: Tensor) -> Tensor:
    """Return the stream (n, t, w) before each token of `responses`, as `response_logits` has it."""
    whole = torch.cat((prompts, responses), 1)
    shift = (prompts == model.layout.pad).sum(1, keepdim=True)
    position = torch.arange(whole.shape[1], device=whole.device) + shift
    packed = whole.gather(1, position.clamp(max=whole.shape[1] - 1))
    last = prompts.shape[1] - shift - 1  # of the prompt
    at = last + torch.arange(responses.shape[1], device=whole.device)
    packed = packed[:, : int(at.max()) + 1]
    stream = model.stream(model.embed(packed))
    return stream.gather(1, at[..., None].expand(-1, -1, stream.shape[-1]))


def likelihood(
    model: PolicyModel, prompts: Tensor, responses: Tensor, temperature: float = 1.0
) -> Likelihood:
    """Return how likely `responses` are after `prompts`, with gradients; padding gives zeros."""
    spread = log_softmax(response_logits(model, prompts, responses), temperature)
    real = responses != model.layout.pad
    logp = spread.gather(2, responses[..., None])[..., 0]
    entropy = -(spread.detach().exp() * spread.detach()).sum(-1)
    return Likelihood(logp.where(real, logp.new_zeros(())), entropy.where(real, 0.0))
