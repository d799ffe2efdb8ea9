"""What over-optimisation is measured on: policy, gold, proxies, bank, and how far RL goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.policy import forward_flop, training_flop
from isoflop.experiments.policy.task import Layout
from isoflop.experiments.pretrain.shape import Shape
from isoflop.quantities import show
from isoflop.store import JSON

MOST = 255  # symbols: pairs and banks keep each in a byte, padding too

Rule = Literal["alone", "mean", "worst", "variance-penalised"]


@dataclass(frozen=True, slots=True)
class RewardTask:
    """A source of text, the policy that imitates it, and the gold reward of its responses.

    The source is a Markov chain of order two over `vocabulary` symbols, its logits normal with
    standard deviation `sharpness`. A response of `response` symbols follows on a prompt of
    `prompt`. The policy, of `width` and `layers`, learns from `steps` batches of `batch`.

    Gold counts `features` classes of `members` symbols in the response. A count f, standardised
    under the policy, is worth f - f^2 / (2 `peak`): good in moderation, and what lies beyond
    `peak` is rare in the policy's responses. To their sum, weighted by 1 / sqrt(rank), comes a
    random network of `hidden` units, `roughness` times one standard deviation of it. All is
    shifted and scaled to mean zero and variance one under the policy.
    """

    vocabulary: int = 16
    prompt: int = 4
    response: int = 16
    sharpness: float = 1.5
    width: int = 32
    layers: int = 1
    steps: int = 300
    batch: int = 128
    lr: float = 6e-3
    features: int = 3
    members: int = 3
    peak: float = 1.5
    roughness: float = 0.5
    hidden: int = 128
    reference: int = 8_192

    def __post_init__(self) -> None:
        """Refuse a world without symbols, or whose gold is constant."""
        counts = (self.prompt - 1, self.response, self.steps, self.batch, self.reference, self.peak)
        if min(counts) <= 0 or min(self.features, self.roughness) < 0:
            raise UsageError(f"{self} holds a number that none can have")
        if self.vocabulary > MOST:
            raise UsageError(f"a vocabulary of {self.vocabulary} is too large; {MOST} is the most")
        if not (self.features or self.roughness):
            raise UsageError("gold needs features, or a random network, or both")
        if not 0 < self.members < self.vocabulary:
            raise UsageError(
                f"a class of {self.members} out of {self.vocabulary} symbols is no feature"
            )

    @property
    def length(self) -> int:
        """Symbols of a prompt and its response."""
        return self.prompt + self.response

    @property
    def layout(self) -> Layout:
        """Where symbols stand for the policy; one more than there are pads."""
        return Layout(pad=self.vocabulary, marks=(), prompt=self.length, attempt=0)

    @property
    def shape(self) -> Shape:
        """The shape of the policy."""
        return Shape(self.width, self.layers, self.vocabulary + 1, self.length)

    def sampling(self, count: int) -> float:
        """Return what sampling `count` responses costs, each to a prompt of its own [FLOP]."""
        return float(count * forward_flop(self.shape, self.length))

    def learning(self, count: int) -> float:
        """Return what a step on `count` sequences costs the policy [FLOP]."""
        return float(count * training_flop(self.shape, self.length))


@dataclass(frozen=True, slots=True)
class Proxy:
    """A reward model of two layers of `hidden` units, taught by `pairs` comparisons.

    `member` tells models apart that differ in their initial weights and order of data alone.
    """

    hidden: int
    pairs: int
    member: int = 0

    def __post_init__(self) -> None:
        """Refuse a model without units, or without a comparison to hold out."""
        if self.hidden < 1 or self.pairs < 10 or self.member < 0:
            raise UsageError(f"{self}: give at least one unit and ten pairs")

    def params(self, world: RewardTask) -> int:
        """Return its parameters."""
        h = self.hidden
        return world.vocabulary * world.length * h + h + h * h + h + h + 1

    def forward(self, world: RewardTask) -> float:
        """Return what scoring one sequence costs [FLOP]: of its inputs all but a few are zero."""
        return 2.0 * (world.length + self.hidden + 1) * self.hidden


@dataclass(frozen=True, slots=True)
class Scorer:
    """What is optimised: one proxy, or several whose standardised scores a rule makes one of.

    "mean", "worst" (the least) and "variance-penalised" (mean less half the variance).
    Source: Coste et al. 2023, arXiv:2310.02743.
    """

    proxies: tuple[Proxy, ...]
    rule: Rule = "alone"

    def __post_init__(self) -> None:
        """Refuse an ensemble of one, and one proxy too many."""
        object.__setattr__(self, "proxies", tuple(self.proxies))
        if self.rule not in get_args(Rule):
            raise UnknownName("rule", self.rule, get_args(Rule))
        if (len(self.proxies) > 1) == (self.rule == "alone") or not self.proxies:
            raise UsageError(f"{len(self.proxies)} proxies cannot be scored by rule {self.rule!r}")

    @staticmethod
    def described(document: Mapping[str, Any]) -> Scorer:
        """Return the scorer that a trial's config holds."""
        return Scorer(tuple(Proxy(**p) for p in document["proxies"]), document["rule"])

    @property
    def pairs(self) -> int:
        """The comparisons that its proxies learned from: the same for each of them."""
        return max(proxy.pairs for proxy in self.proxies)

    def params(self, world: RewardTask) -> int:
        """Return its parameters, those of all its proxies together."""
        return sum(proxy.params(world) for proxy in self.proxies)

    def name(self, world: RewardTask) -> str:
        """Return how people call it: "5.43k, 16k pairs", "worst of 4 x 5.43k, 16k pairs"."""
        first = self.proxies[0]
        each = f"{show(first.params(world))}, {show(first.pairs)} pairs"
        if self.rule != "alone":
            return f"{self.rule} of {len(self.proxies)} x {each}"
        return f"{each}, member {first.member + 1}" if first.member else each


@dataclass(frozen=True, slots=True)
class Learning:
    """How a proxy learns comparisons: in batches, until held-out ones are no longer judged better.

    Held-out pairs, a share `held_out` of all, are looked at after every pass over the others, and
    no sooner than `least` steps after the last time. After `patience` looks without a lower loss,
    or `looks` in all, the best weights are taken. `decay` is that of AdamW.
    """

    batch: int = 512
    lr: float = 3e-3
    decay: float = 0.3
    looks: int = 12
    least: int = 50
    patience: int = 3
    held_out: float = 0.1

    def __post_init__(self) -> None:
        """Refuse to learn nothing, or to hold nothing out."""
        if min(self.batch, self.looks, self.least, self.patience) < 1 or not self.lr > 0:
            raise UsageError(f"{self} holds a number below one, or a rate that is not above zero")
        if not 0 < self.held_out < 1 or self.decay < 0:
            raise UsageError(f"{self}: held_out lies between 0 and 1, and decay is not below 0")

    def passes(self, pairs: int) -> int:
        """Return how many passes over so many pairs there are between two looks."""
        return math.ceil(self.least / math.ceil(pairs / self.batch))


@dataclass(frozen=True, slots=True)
class BankSize:
    """Samples to choose from: `samples` responses to each of `prompts` prompts."""

    prompts: int = 32
    samples: int = 4_096

    def __post_init__(self) -> None:
        """Refuse a bank that shows no best of anything."""
        if self.prompts < 2 or self.samples < 4:
            raise UsageError(f"{self}: give two prompts and four samples at least")

    @property
    def counts(self) -> tuple[int, ...]:
        """Every n whose best is looked at: powers of the root of two, up to all samples."""
        steps = int(2 * (self.samples.bit_length() - 1)) + 1
        return tuple(sorted({round(2 ** (i / 2)) for i in range(steps)} | {self.samples}))


@dataclass(frozen=True, slots=True)
class Pursuit:
    """How far reinforcement learning goes, and where it is looked at.

    A step learns from `responses` responses at rate `lr`. The policy is measured by `look`
    responses whenever its d = sqrt(KL) has come `spacing` [sqrt(nats)] further, up to
    `furthest`, or `steps` steps. `penalty` is taken off the score per nat of KL.
    """

    responses: int = 256
    lr: float = 4e-4
    steps: int = 160
    spacing: float = 0.25
    furthest: float = 5.0
    look: int = 1_024
    penalty: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a run that goes nowhere."""
        counts = (self.responses - 1, self.steps, self.look - 1)
        if min(counts) < 1 or not 0 < self.spacing <= self.furthest or not self.lr > 0:
            raise UsageError(f"{self} holds a number that none can have")
        if self.penalty < 0:
            raise UsageError(f"a penalty of {self.penalty:g} would reward divergence")


@dataclass(frozen=True, slots=True)
class RewardConfig:
    """Everything about a study but its proxies: the world, how is learned, chosen and pursued."""

    world: RewardTask = field(default_factory=RewardTask)
    learning: Learning = field(default_factory=Learning)
    bank: BankSize = field(default_factory=BankSize)
    pursuit: Pursuit = field(default_factory=Pursuit)

    def choosing(self, scorers: tuple[Scorer, ...]) -> float:
        """Return what best-of-n by these scorers costs at most, all that it needs made [FLOP]."""
        world, bank = self.world, self.bank.prompts * self.bank.samples
        proxies = {p for scorer in scorers for p in scorer.proxies}
        most = max(p.pairs for p in proxies)
        training = sum(self._teaching(p) for p in proxies)
        scored = sum(bank * p.forward(world) for p in proxies)
        sampled = world.sampling(world.reference + 2 * most + bank)
        return world.learning(world.steps * world.batch) + training + scored + sampled

    def _teaching(self, proxy: Proxy) -> float:
        """Return what a proxy costs at most [FLOP]."""
        passes = self.learning.looks * self.learning.passes(proxy.pairs)
        return 6.0 * proxy.pairs * passes * proxy.forward(self.world)

    def pursuing(self, scorer: Scorer) -> float:
        """Return what learning to please a scorer costs at most, its proxies given [FLOP]."""
        world, pursuit = self.world, self.pursuit
        each = sum(p.forward(world) for p in scorer.proxies)
        step = 2 * world.sampling(pursuit.responses) + world.learning(pursuit.responses)
        looks = pursuit.look * pursuit.furthest / pursuit.spacing
        scoring = (pursuit.steps * pursuit.responses + looks) * each
        return pursuit.steps * step + 3 * world.sampling(round(looks)) + scoring

    def describe(self) -> dict[str, JSON]:
        """Return the setting as JSON."""
        return asdict(self)

    @staticmethod
    def described(document: Mapping[str, Any]) -> RewardConfig:
        """Return the setting that `describe` wrote."""
        kinds = {"world": RewardTask, "learning": Learning, "bank": BankSize, "pursuit": Pursuit}
        return RewardConfig(
            **{f.name: kinds[f.name](**document[f.name]) for f in fields(RewardConfig)}
        )
