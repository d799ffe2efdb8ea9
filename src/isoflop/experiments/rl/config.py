"""What a recipe is tried on: the policy and its start, the problems, the batch; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from isoflop.errors import UsageError
from isoflop.experiments.policy import (
    ChainTask,
    Task,
    Warmup,
    describe,
    described,
    forward_flop,
    shape_for,
    training_flop,
)
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.rl.recipe import RLRecipe
from isoflop.quantities import refuse_count
from isoflop.store import JSON

Verifier = Literal["answer", "steps"]

MOST = 1_000_000  # steps, problems, and responses of any kind
CUT = 3  # tokens that an interruption adds: the request, the answer and the stop


@dataclass(frozen=True)
class RLConfig:
    """Everything about a run that is not its recipe.

    The policy is of `width` and `layers`, taught by `warmup` from seed `start`. A step learns
    from `group` responses to each of `prompts` problems, `steps` times, at rate `lr`. Problems
    are fresh, or of a fixed set of `pool`. The `verifier` passes a response for its answer, or
    for all of its steps. Held out are `problems`, answered `samples` times each every `every`
    steps.
    """

    task: Task = field(default_factory=ChainTask)
    width: int = 64
    layers: int = 2
    warmup: Warmup = field(default_factory=Warmup)
    start: int = 0
    verifier: Verifier = "steps"
    prompts: int = 32
    group: int = 16
    steps: int = 300
    lr: float = 3e-4
    pool: int | None = None
    problems: int = 512
    samples: int = 4
    every: int = 10

    def __post_init__(self) -> None:
        """Refuse a setting that cannot be trained in."""
        for name in ("prompts", "steps", "problems", "samples", "every"):
            refuse_count(name, getattr(self, name), 1, MOST)
        refuse_count("group", self.group, 2, MOST)
        if not 0 < self.lr <= 1:
            raise UsageError(f"lr is {self.lr:g}; it must be above zero, and at most 1")
        if self.verifier not in ("answer", "steps"):
            raise UsageError(f"verifier {self.verifier!r} is neither 'answer' nor 'steps'")
        if self.steps < self.every:
            raise UsageError(f"{self.steps} steps end before the first look, at {self.every}")
        if self.pool is not None and self.pool < self.prompts:
            raise UsageError(f"a pool of {self.pool} does not fill a step of {self.prompts}")
        if self.pool is not None:
            refuse_count("pool", self.pool, 1, MOST)

    @property
    def shape(self) -> Shape:
        """The shape of the policy, with room for an answer that is asked for early."""
        shape = shape_for(self.task, self.width, self.layers)
        return Shape(**{**asdict(shape), "context": shape.context + CUT})

    def longest(self, recipe: RLRecipe) -> int:
        """Return the most tokens of a response."""
        return self.task.layout.attempt - 1 + CUT * (recipe.interrupt is not None)

    def flop(self, recipe: RLRecipe) -> float:
        """Return what a run costs at most, were every prompt and response the longest [FLOP]."""
        shape, layout = self.shape, self.task.layout
        responses = self.prompts * self.group
        prompt, response = layout.prompt, self.longest(recipe)
        each = forward_flop(shape, response, before=prompt) + training_flop(
            shape, prompt + response
        )
        step = responses * each + self.prompts * forward_flop(shape, prompt)
        looks = self.steps // self.every + 1
        look = self.problems * self.samples * forward_flop(shape, response, before=prompt)
        return float(self.steps * step + looks * look)

    def describe(self) -> dict[str, JSON]:
        """Return the setting as JSON."""
        return {**asdict(self), "task": describe(self.task)}

    @staticmethod
    def described(document: Mapping[str, Any]) -> RLConfig:
        """Return the setting that `describe` wrote."""
        parts = {
            "task": described(document["task"]),
            "warmup": Warmup(**document["warmup"]),
        }
        return RLConfig(**{**document, **parts})
