"""What the study of test time is made of: policy, verifier, bank, strategies; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from isoflop.errors import UsageError
from isoflop.experiments.policy import (
    ChainTask,
    Retries,
    Task,
    Warmup,
    describe,
    described,
    forward_flop,
    shape_for,
    training_flop,
)
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.testtime.registry import attempts, named
from isoflop.quantities import refuse_count
from isoflop.store import JSON

BANK = "bank"  # the folder of a trial's samples
CHEAP = 8  # responses: what takes fewer is run more often
VERIFIER = "prm"  # what a bank calls the process verifier


MOST = 1_000_000  # problems, and samples of each


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a verifier is taught: `samples` responses to each of `problems`, `epochs` times over.

    Every beginning of a response is labelled by how that response ended, which is one rollout
    from each: in the mean, the chance that it ends up right. `held_out` is the share of the
    problems that the verifier is examined on.
    Source: Wang et al. 2023, arXiv:2312.08935 (Math-Shepherd), with one rollout of many.
    """

    problems: int = 12_000
    samples: int = 1
    epochs: int = 3
    batch: int = 64
    lr: float = 2e-3
    held_out: float = 0.1

    def __post_init__(self) -> None:
        """Refuse a verifier that learns or is examined on nothing."""
        counts = (self.samples, self.epochs, self.batch, self.examined)
        if min(counts) < 1 or self.examined >= self.problems or not self.lr > 0:
            raise UsageError(f"{self} teaches nothing, or examines nothing")

    @property
    def examined(self) -> int:
        """How many problems the verifier does not learn from."""
        return round(self.held_out * self.problems)


@dataclass(frozen=True)
class SearchStudyConfig:
    """Everything about a study but its seeds.

    A policy of `width` and `layers` is taught by `warmup`, and to go over its own attempts by
    `retries`. `problems` are answered `samples` times each, and by every strategy (by name)
    `repeats` times or, where it takes few responses, more often. Contexts hold `attempts`.
    """

    task: Task = field(default_factory=lambda: ChainTask(interrupted=0.2))
    width: int = 48
    layers: int = 2
    attempts: int = 5
    warmup: Warmup = field(
        default_factory=lambda: Warmup(steps=1_500, skill=0.4, look=10, problems=512)
    )
    judgement: Judgement = field(default_factory=Judgement)
    problems: int = 192
    samples: int = 256
    strategies: tuple[str, ...] = ()
    repeats: int = 2
    retries: Retries | None = field(default_factory=Retries)

    def __post_init__(self) -> None:
        """Refuse a study without samples, or with a strategy that there is not."""
        object.__setattr__(self, "strategies", tuple(self.strategies))
        for name in ("problems", "samples", "repeats", "attempts"):
            refuse_count(name, getattr(self, name), 1, MOST)
        count = 0 if self.retries is None else self.retries.most + 1
        if count > self.attempts:
            raise UsageError(f"retries take {count} attempts; contexts hold {self.attempts}")
        for name in self.strategies:
            if (wanted := attempts(named(name))) > self.attempts:
                raise UsageError(
                    f"{name} makes {wanted} attempts after one another; contexts hold "
                    f"{self.attempts}"
                )

    @property
    def shape(self) -> Shape:
        """The shape of policy and verifier."""
        return shape_for(self.task, self.width, self.layers, attempts=self.attempts)

    def lineage(self, seed: int) -> str:
        """Return what the bank calls samples of the policy of a seed."""
        return f"{self.task.key},width={self.width},skill={self.warmup.skill},seed={seed}"

    def runs(self, strategy: str) -> int:
        """Return how often each problem is answered by a strategy: `CHEAP` times more at most.

        One response says less than the vote of many, and costs less.
        """
        return self.repeats * max(1, CHEAP // named(strategy).responses)

    @property
    def flop(self) -> float:
        """What a trial costs at most: warm start, verifier, samples and strategies [FLOP].

        Of a warm start one try is counted; hardly any needs more.
        """
        prompt, response = self.task.layout.prompt, self.task.layout.attempt
        learned = training_flop(self.shape, prompt + response)
        response_flop = 2 * forward_flop(
            self.shape, response, before=prompt
        )  # the verifier reads it too
        judgements = self.judgement.problems * self.judgement.samples
        responses = sum(self.runs(s) * named(s).responses for s in self.strategies)
        return float(
            self.warmup.steps * self.warmup.batch * (learned + self._gone_over)
            + judgements * (response_flop + self.judgement.epochs * learned)
            + self.problems * (self.samples + responses) * response_flop
        )

    @property
    def _gone_over(self) -> float:
        """What retries add to the cost of a demonstration at most [FLOP]."""
        if self.retries is None:
            return 0.0
        prompt, response = self.task.layout.prompt, self.task.layout.attempt
        more = self.retries.most * response
        longer = training_flop(self.shape, prompt + response + more)
        longer -= training_flop(self.shape, prompt + response)
        return float(self.retries.share * (longer + forward_flop(self.shape, more, before=prompt)))

    def describe(self) -> dict[str, JSON]:
        """Return the setting as JSON."""
        return {**asdict(self), "task": describe(self.task), "strategies": list(self.strategies)}

    @staticmethod
    def described(document: Mapping[str, Any]) -> SearchStudyConfig:
        """Return the setting that `describe` wrote."""
        parts = {
            "task": described(document["task"]),
            "warmup": Warmup(**document["warmup"]),
            "judgement": Judgement(**document["judgement"]),
            "retries": Retries(**again) if (again := document["retries"]) else None,
        }
        return SearchStudyConfig(**{**document, **parts})
