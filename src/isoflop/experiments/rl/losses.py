"""From rewards to a loss: advantages, the surrogate of each token, and the average over tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from isoflop.errors import UnknownName
from isoflop.experiments.rl.recipe import RLRecipe

# Tensor suffixes: p problems, g responses to each, n responses (p times g), t tokens.

SMALL = 1e-6  # added to what is divided by


def advantages(rewards_pg: Tensor, recipe: RLRecipe) -> Tensor:
    """Return the advantage (p, g) of every response of a batch."""
    by_prompt = recipe.baseline == "prompt"
    mean = rewards_pg.mean(1, keepdim=True) if by_prompt else rewards_pg.mean()
    advantage_pg = rewards_pg - mean
    if recipe.normalisation == "prompt":
        return advantage_pg / (rewards_pg.std(1, keepdim=True) + SMALL)
    if recipe.normalisation == "batch":
        return advantage_pg / (advantage_pg.std() + SMALL)
    return advantage_pg


def surrogate(
    recipe: RLRecipe, logp_nt: Tensor, old_nt: Tensor, advantage_n: Tensor, mask_nt: Tensor
) -> Tensor:
    """Return the loss of each token (n, t), zero where `mask_nt` is; less is better.

    `logp_nt` are the policy's log-probabilities [nats], `old_nt` those when it was sampled.
    """
    mask, advantage = mask_nt.to(logp_nt.dtype), advantage_n[:, None]
    gap = (logp_nt - old_nt) * mask
    low, high = 1 - recipe.low, 1 + recipe.high
    if recipe.surrogate == "reinforce":
        gain = advantage * logp_nt
    elif recipe.surrogate == "cispo":
        gain = gap.exp().clamp(low, high).detach() * advantage * logp_nt
    elif recipe.surrogate == "sapo":
        tau = torch.where(advantage > 0, recipe.tau[0], recipe.tau[1])
        gain = torch.sigmoid(tau * (gap.exp() - 1)) * 4 / tau * advantage
    elif recipe.surrogate in ("clip", "sequence-clip"):
        if recipe.surrogate == "sequence-clip":
            gap = gap.sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
        ratio = gap.exp()
        gain = torch.minimum(ratio * advantage, ratio.clamp(low, high) * advantage)
    else:
        raise UnknownName("surrogate", recipe.surrogate, ("clip", "cispo", "sapo", "reinforce"))
    return -gain * mask


def divergence(logp_nt: Tensor, reference_nt: Tensor) -> Tensor:
    """Return the estimate k3 [nats] of KL from a reference at each token (n, t): never negative.

    Source: Schulman 2020, "Approximating KL divergence".
    """
    gap = reference_nt - logp_nt
    return gap.exp() - 1 - gap


def weights(mask_nt: Tensor, recipe: RLRecipe, group: int, longest: int) -> Tensor:
    """Return the share (n, t) that the loss of each token has in the loss of the batch.

    The responses to one problem are `group` neighbouring rows; `longest` is the most tokens that
    a response may have. What is masked has no share.
    """
    mask = mask_nt.float()
    n, tokens_n = len(mask), mask.sum(1, keepdim=True)
    if recipe.aggregation == "sample":
        share = 1 / (n * tokens_n.clamp(min=1))
    elif recipe.aggregation == "prompt":
        tokens_p = tokens_n.view(-1, group).sum(1).clamp(min=1)
        share = (group / (n * tokens_p)).repeat_interleave(group)[:, None]
    elif recipe.aggregation == "token":
        share = 1 / tokens_n.sum().clamp(min=1)
    else:
        share = torch.tensor(1 / (n * longest), device=mask.device)
    return mask * share


def token_loss(
    recipe: RLRecipe,
    logp_nt: Tensor,
    old_nt: Tensor,
    advantage_n: Tensor,
    mask_nt: Tensor,
    reference_nt: Tensor | None = None,
) -> Tensor:
    """Return the loss of each token, with the KL term if `reference_nt` [nats] is given for it."""
    loss_nt = surrogate(recipe, logp_nt, old_nt, advantage_n, mask_nt)
    if recipe.kl and reference_nt is not None:
        loss_nt = loss_nt + recipe.kl * divergence(logp_nt, reference_nt) * mask_nt
    return loss_nt
