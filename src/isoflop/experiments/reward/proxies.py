"""Reward models: taught by comparisons that gold decides, and standardised under the policy."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from isoflop.experiments.reward.config import Learning, Proxy, Rule
from isoflop.experiments.reward.score_files import kept
from isoflop.experiments.reward.world import (
    CHUNK,
    ORDER,
    PAIRS,
    WEIGHTS,
    Network,
    Scene,
    draw,
    generator,
)
from isoflop.store import JSON

# Tensor suffixes: n sequences, t symbols, m members of an ensemble.

CAUTION = 0.5  # what the variance of an ensemble is weighed with
TIE = 1e-4  # golds, or scores, this near are one: batches and processors round differently


class Pairs(NamedTuple):
    """Comparisons: sequences (n, t) of which gold prefers the first, or tells no difference."""

    better: Tensor
    worse: Tensor


def pairs(scene: Scene, count: int) -> Pairs:
    """Return `count` pairs of the policy's responses, each to one prompt, as gold ranks them.

    The first of more pairs are those of fewer. Of two that tie, to rounding, the first drawn is
    the better: which one follows from neither the batch nor the processor.
    """
    chunks = [_chunk(scene, i) for i in range(-(-count // CHUNK))]
    better, worse = (torch.cat(part)[:count].long() for part in zip(*chunks, strict=True))
    return Pairs(better, worse)


def _chunk(scene: Scene, index: int) -> tuple[Tensor, Tensor]:
    def make() -> tuple[Tensor, Tensor]:
        prompts = scene.prompts(CHUNK, draw(scene.seed, PAIRS, index))
        random = generator(scene.seed, PAIRS, index)
        tokens, _ = scene.respond(scene.policy, prompts, random, 2)
        gold_n2 = scene.gold(tokens).view(-1, 2)
        both = tokens.view(-1, 2, tokens.shape[1]).to(torch.uint8)
        rows, first = torch.arange(len(both)), (gold_n2[:, 1] > gold_n2[:, 0] + TIE).long()
        return both[rows, first], both[rows, 1 - first]

    pairs: tuple[Tensor, Tensor] = kept("pairs", [asdict(scene.world), scene.seed, index], make)
    return pairs


class ProxyScorer:
    """A proxy in the flesh, its scores standardised under the policy."""

    def __init__(self, scene: Scene, proxy: Proxy, learning: Learning) -> None:
        self.proxy = proxy
        weights = generator(scene.seed, WEIGHTS, proxy.member)
        self.network = Network(scene.world, proxy.hidden, weights)
        identity: list[JSON] = [
            asdict(scene.world),
            scene.seed,
            asdict(proxy),
            asdict(learning),
        ]
        state = kept("proxy", identity, lambda: self._make(scene, learning))
        self.network.load_state_dict(state["network"])
        self.network.requires_grad_(False)
        self.accuracy: float = state["accuracy"]
        self.middle, self.spread = state["moments"]

    def _make(self, scene: Scene, learning: Learning) -> dict[str, Any]:
        order = generator(scene.seed, ORDER, self.proxy.member)
        accuracy = teach(self.network, pairs(scene, self.proxy.pairs), learning, order)
        with torch.no_grad():
            scores = self.network(scene.reference())
        spread = float(scores.std())  # zero where every unit is dead: then nothing is preferred
        moments = (float(scores.mean()), spread or 1.0)
        return {"network": self.network.state_dict(), "accuracy": accuracy, "moments": moments}

    @torch.no_grad()
    def __call__(self, tokens_nt: Tensor) -> Tensor:
        """Return the score (n,) of sequences."""
        scores = torch.cat([self.network(part) for part in torch.split(tokens_nt, CHUNK)])
        return (scores - self.middle) / self.spread  # type: ignore[no-any-return]


def teach(network: Network, pairs: Pairs, learning: Learning, order: torch.Generator) -> float:
    """Teach a network to prefer what gold prefers; return the held-out share it judges rightly."""
    count = len(pairs.better) - max(1, round(learning.held_out * len(pairs.better)))
    held_out = Pairs(pairs.better[count:], pairs.worse[count:])
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning.lr, weight_decay=learning.decay)
    best, waited = (float("inf"), 0.0, copy.deepcopy(network.state_dict())), 0
    for _ in range(learning.looks):
        for _ in range(learning.passes(count)):
            for rows in torch.split(torch.randperm(count, generator=order), learning.batch):
                optimiser.zero_grad(set_to_none=True)
                gap = margin(network, Pairs(pairs.better[rows], pairs.worse[rows]))
                F.softplus(-gap).mean().backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        with torch.no_grad():
            gap = margin(network, held_out)
        loss, accuracy = float(F.softplus(-gap).mean()), right_share(gap)
        waited += 1
        if loss < best[0]:
            best, waited = (loss, accuracy, copy.deepcopy(network.state_dict())), 0
        if waited == learning.patience:
            break
    network.load_state_dict(best[2])
    return best[1]


def right_share(gaps_n: Tensor) -> float:
    """Return the share of pairs judged rightly by how far (n,) the better is above; ties are half.

    >>> right_share(torch.tensor([0.5, -0.2, 0.0, 1e-7]))
    0.5
    """
    return float(torch.where(gaps_n.abs() <= TIE, 0.5, (gaps_n > 0).float()).mean())


def margin(network: Network, pairs: Pairs) -> Tensor:
    """Return by how much (n,) the better of each pair is scored above the worse."""
    better, worse = network(torch.cat(pairs)).chunk(2)
    return better - worse  # type: ignore[no-any-return]


def combined(scores_mn: Tensor, rule: Rule) -> Tensor:
    """Return the score (n,) that a rule makes of those of several proxies (m, n)."""
    if rule == "worst":
        return scores_mn.amin(0)
    if rule == "variance-penalised":
        return scores_mn.mean(0) - CAUTION * scores_mn.var(0, unbiased=False)
    return scores_mn.mean(0)
