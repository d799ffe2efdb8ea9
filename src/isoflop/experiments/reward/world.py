"""The world of a study in the flesh: a Markov source, a policy that imitates it, a gold reward."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.policy.sampling import sample
from isoflop.experiments.policy.task import Control, Tokens
from isoflop.experiments.reward.config import RewardTask
from isoflop.experiments.reward.score_files import kept

# Tensor suffixes: n sequences, t symbols, k features, v vocabulary.

# Streams of random numbers of one seed.
SOURCE, TEXT, GOLD, REFERENCE, PAIRS, WEIGHTS, ORDER, BANK, ROLLOUTS, LOOK = range(10)
CHUNK = 8_192  # responses sampled, or scored, at once


def draw(seed: int, stream: int, index: int = 0) -> np.random.Generator:
    """Return the random numbers of one use, whatever was drawn before."""
    return np.random.default_rng((seed, stream, index))


def generator(seed: int, stream: int, index: int = 0) -> torch.Generator:
    """Return the random numbers of one use for torch."""
    return torch.Generator().manual_seed(int(draw(seed, stream, index).integers(2**62)))


class MarkovSource:
    """A Markov chain of order two."""

    def __init__(self, world: RewardTask, seed: int) -> None:
        count = world.vocabulary
        logits = world.sharpness * draw(seed, SOURCE).standard_normal((count, count, count))
        share = np.exp(logits)
        self.reach = np.cumsum(share / share.sum(-1, keepdims=True), -1)

    def text(self, n: int, length: int, random: np.random.Generator) -> Tokens:
        """Return sequences (n, length) of symbols, the first two drawn evenly."""
        count = len(self.reach)
        tokens = np.zeros((n, length), np.int64)
        tokens[:, :2] = random.integers(count, size=(n, 2))
        for t in range(2, length):
            reach = self.reach[tokens[:, t - 2], tokens[:, t - 1]]
            tokens[:, t] = (random.random((n, 1)) > reach[:, :-1]).sum(1)
        return tokens


class Gold(nn.Module):
    """The reward that is wanted: concave in counts that are rare when large, and a bit rough."""

    def __init__(self, world: RewardTask, seed: int) -> None:
        super().__init__()
        self.world = world
        random = draw(seed, GOLD)
        classes = torch.zeros(world.features, world.vocabulary)
        for row in classes:
            row[random.permutation(world.vocabulary)[: world.members]] = 1.0
        self.classes: Tensor
        self.middle: Tensor
        self.spread: Tensor
        self.rough: Tensor
        self.scale: Tensor
        buffers = {
            "classes": classes,
            "middle": torch.zeros(world.features),
            "spread": torch.ones(world.features),
            "rough": torch.tensor([0.0, 1.0]),
            "scale": torch.tensor([0.0, 1.0]),
        }
        for name, value in buffers.items():
            self.register_buffer(name, value)
        self.network = Network(world, world.hidden, generator(seed, GOLD), rough=True)
        self.requires_grad_(False)

    def features(self, tokens_nt: Tensor) -> Tensor:
        """Return the standardised count (n, k) of every class in the responses."""
        response = tokens_nt[:, self.world.prompt :]
        counts_nk = F.one_hot(response, self.world.vocabulary).sum(1).float() @ self.classes.T
        return (counts_nk - self.middle) / self.spread

    def worth(self, features_nk: Tensor) -> Tensor:
        """Return what features (n, k) are worth before the network is added (n,)."""
        share_k = torch.arange(1, features_nk.shape[1] + 1) ** -0.5
        return (features_nk - features_nk**2 / (2 * self.world.peak)) @ share_k

    def raw(self, tokens_nt: Tensor) -> Tensor:
        """Return the reward (n,) before it is standardised."""
        rough_n = (self.network(tokens_nt) - self.rough[0]) / self.rough[1]
        return self.worth(self.features(tokens_nt)) + self.world.roughness * rough_n  # type: ignore[no-any-return]

    @torch.no_grad()
    def forward(self, tokens_nt: Tensor) -> Tensor:
        """Return the reward (n,) of whole sequences (n, t)."""
        parts = [self.raw(part) for part in torch.split(tokens_nt, CHUNK)]
        return (torch.cat(parts) - self.scale[0]) / self.scale[1]

    @torch.no_grad()
    def standardise(self, tokens_nt: Tensor) -> None:
        """Set mean and spread of all parts to those of the policy's own sequences."""
        counts_nk = self.features(tokens_nt)
        self.middle, self.spread = counts_nk.mean(0), counts_nk.std(0)
        self.rough = _moments(self.network(tokens_nt))
        self.scale = _moments(self.raw(tokens_nt))


class Network(nn.Module):
    """Two hidden layers over the symbols of a sequence and where they stand, to one number."""

    def __init__(
        self, world: RewardTask, hidden: int, random: torch.Generator, *, rough: bool = False
    ) -> None:
        super().__init__()
        self.vocabulary = world.vocabulary
        inputs = world.vocabulary * world.length
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)
        self.bend = torch.tanh if rough else torch.relu
        gain = 2.0 if rough else 2**0.5
        fans = {self.first: world.length, self.second: hidden, self.last: hidden}
        with torch.no_grad():
            for layer, fan in fans.items():  # of a place, one input alone is not zero
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=random))
                layer.weight.mul_(gain / fan**0.5)
                layer.bias.copy_(0.3 * torch.randn(layer.bias.shape, generator=random) * rough)

    def forward(self, tokens_nt: Tensor) -> Tensor:
        """Return the number (n,) of every sequence (n, t)."""
        place = torch.arange(tokens_nt.shape[1]) * self.vocabulary
        x = torch.zeros(len(tokens_nt), self.first.in_features)
        x.scatter_(1, tokens_nt + place, 1.0)  # a third of the time of one_hot
        x = self.bend(self.second(self.bend(self.first(x))))
        return self.last(x).squeeze(1)  # type: ignore[no-any-return]


def _moments(values: Tensor) -> Tensor:
    return torch.stack([values.mean(), values.std()])


class Scene:
    """The source, the policy and the gold reward that follow from a seed."""

    def __init__(self, world: RewardTask, seed: int) -> None:
        self.world, self.seed = world, seed
        self.source = MarkovSource(world, seed)
        self.policy = PolicyModel(world.shape, world.layout, seed)
        self.gold = Gold(world, seed)
        state = kept("world", [asdict(world), seed], self._make)
        self.policy.load_state_dict(state["policy"])
        self.gold.load_state_dict(state["gold"])
        self.policy.requires_grad_(False)

    def _make(self) -> dict[str, Any]:
        self._teach()
        self.gold.standardise(self.reference())
        return {"policy": self.policy.state_dict(), "gold": self.gold.state_dict()}

    def _teach(self) -> None:
        """Let the policy imitate the source."""
        world, random = self.world, draw(self.seed, TEXT)
        optimiser = torch.optim.AdamW(
            self.policy.rates(), lr=world.lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True
        )
        for step in range(world.steps):
            fade = min(1.0, (step + 1) / 20, 3 * (1 - step / world.steps))
            for group in optimiser.param_groups:
                group["lr"] = world.lr * group["scale"] * fade
            optimiser.zero_grad(set_to_none=True)
            text = self.source.text(world.batch, world.length, random)
            loss = self.policy.loss(torch.from_numpy(text))
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
            optimiser.step()

    def reference(self) -> Tensor:
        """Return sequences (n, t) of the policy, always the same: what scores are centred on."""
        prompts = self.prompts(self.world.reference, draw(self.seed, REFERENCE))
        return self.respond(self.policy, prompts, generator(self.seed, REFERENCE))[0]

    def prompts(self, n: int, random: np.random.Generator) -> Tensor:
        """Return prompts (n, t) from the source."""
        return torch.from_numpy(self.source.text(n, self.world.prompt, random))

    def respond(
        self, policy: PolicyModel, prompts: Tensor, random: torch.Generator, n: int = 1
    ) -> tuple[Tensor, Tensor]:
        """Return `n` whole sequences for each prompt, and how likely their responses were [nats].

        Those of one prompt are neighbours.
        """
        pad, most = self.world.vocabulary, self.world.response
        control = Control(pad, pad, pad, pad)  # padding is never drawn: every response is whole
        tokens, logp = [], []
        for part in torch.split(prompts, max(1, CHUNK // n)):
            responses = sample(policy, part, control, generator=random, most=most, n=n)
            tokens.append(torch.cat((part.repeat_interleave(n, 0), responses.tokens), 1))
            logp.append(responses.logp.sum(1))
        return torch.cat(tokens), torch.cat(logp)
