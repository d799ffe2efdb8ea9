"""Rollouts: problems drawn, answered and judged, in groups that a step learns from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isoflop.arrays import Mask
from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.policy.sampling import ForcedBudget, PolicyResponses, sample
from isoflop.experiments.policy.task import Problems
from isoflop.experiments.rl.config import RLConfig
from isoflop.experiments.rl.recipe import RLRecipe

# Tensor suffixes: p problems, g responses to each, n responses (p times g), t tokens.

FRESH, POOL, ORDER, SAMPLING, CUTS, LOOK = range(1, 7)  # streams of random numbers of one seed
CHUNK = 2_048  # responses that are sampled at once


@dataclass(frozen=True, eq=False, slots=True)
class Rollouts:
    """Groups of responses, judged: prompts (n, t), samples, rewards (p, g), passed (p, g)."""

    prompts: Tensor
    tokens: Tensor
    old: Tensor
    mask: Tensor
    rewards: Tensor
    passed: Tensor

    def groups(self, rows: Tensor) -> Rollouts:
        """Return some of the groups (p,)."""
        group = self.rewards.shape[1]
        flat = (rows[:, None] * group + torch.arange(group, device=rows.device)).flatten()
        return Rollouts(
            self.prompts[flat],
            self.tokens[flat],
            self.old[flat],
            self.mask[flat],
            self.rewards[rows],
            self.passed[rows],
        )

    @property
    def varied(self) -> Tensor:
        """Which groups (p,) neither all pass nor all fail."""
        share = self.passed.float().mean(1)
        return (share > 0) & (share < 1)

    def __add__(self, other: Rollouts) -> Rollouts:
        """Return the groups of both."""
        names = ("prompts", "tokens", "old", "mask", "rewards", "passed")
        return Rollouts(*(torch.cat((getattr(self, n), getattr(other, n))) for n in names))


@dataclass
class RolloutTally:
    """What rolling out has cost and shown: since the start, and since the last look."""

    flop: float = 0.0
    responses: int = 0
    recent: int = 0
    cut: int = 0
    groups: int = 0
    unvaried: int = 0

    def count(self, responses: PolicyResponses, passed_pg: Tensor) -> None:
        """Take in what was rolled out."""
        n = len(responses.lengths)
        self.flop += responses.total_flop
        self.responses += n
        self.recent += n
        self.cut += int((~responses.stopped).sum())
        share = passed_pg.float().mean(1)
        self.groups += len(share)
        self.unvaried += int(((share == 0) | (share == 1)).sum())

    def shares(self) -> tuple[float, float]:
        """Return the shares of responses cut off and of groups unvaried since the last look."""
        shares = self.cut / max(self.recent, 1), self.unvaried / max(self.groups, 1)
        self.recent = self.cut = self.groups = self.unvaried = 0
        return shares


@dataclass
class Supply:
    """Where the problems of a run come from: fresh ones, or a fixed set in shuffled passes."""

    setting: RLConfig
    seed: int
    batches: int = 0
    epoch: int = 0
    cursor: int = 0
    retired: Mask = field(default_factory=lambda: np.zeros(0, bool))
    fixed: Problems | None = None

    def __post_init__(self) -> None:
        """Draw the fixed set, if there is to be one: the same for every recipe and seed."""
        if (count := self.setting.pool) is not None:
            draw = np.random.default_rng((self.setting.start, POOL))
            self.fixed = self.setting.task.problems(count, draw)
            self.retired = np.zeros(count, bool)

    def take(self, count: int) -> tuple[Problems, Any]:
        """Return problems, and where they stand in the fixed set (None of fresh ones)."""
        self.batches += 1
        if self.fixed is None:
            draw = np.random.default_rng((self.seed, FRESH, self.batches))
            return self.setting.task.problems(count, draw), None
        rows = np.array([self._next() for _ in range(count)])
        return self.fixed[rows], rows

    def _next(self) -> int:
        """Return the next problem of the pass that is not retired; any where all are."""
        while True:
            if self.cursor == len(self.retired):
                self.epoch, self.cursor = self.epoch + 1, 0
            order = np.random.default_rng((self.seed, ORDER, self.epoch)).permutation(
                len(self.retired)
            )
            row = int(order[self.cursor])
            self.cursor += 1
            if not self.retired[row] or self.retired.all():
                return row

    def retire(self, rows: Any, passed_pg: Tensor, share: float | None) -> None:
        """Retire those of the fixed problems that this share of responses passes."""
        if share is not None and rows is not None:
            easy = passed_pg.float().mean(1).cpu().numpy() >= share
            self.retired[rows[easy]] = True


def generator(seed: int, stream: int, index: int) -> torch.Generator:
    """Return the random numbers of one use, whatever was drawn before."""
    words = np.random.SeedSequence((seed, stream, index)).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))


def roll_out(
    model: PolicyModel,
    setting: RLConfig,
    recipe: RLRecipe,
    supply: Supply,
    tally: RolloutTally,
    count: int,
) -> Rollouts:
    """Return `count` groups of responses; fewer where the recipe drops what does not vary."""
    rollouts = _once(model, setting, recipe, supply, tally, count)
    if not recipe.drop_unvaried:
        return rollouts
    rollouts = rollouts.groups(rollouts.varied.nonzero()[:, 0])
    for _ in range(recipe.resample):
        if (missing := count - len(rollouts.rewards)) == 0:
            break
        more = _once(model, setting, recipe, supply, tally, missing)
        rollouts = rollouts + more.groups(more.varied.nonzero()[:, 0])
    return rollouts


def _once(
    model: PolicyModel,
    setting: RLConfig,
    recipe: RLRecipe,
    supply: Supply,
    tally: RolloutTally,
    count: int,
) -> Rollouts:
    problems, rows = supply.take(count)
    device, group, most = model.embedding.weight.device, setting.group, setting.longest(recipe)
    prompts = torch.from_numpy(problems.prompts).to(device)
    responses = sample(
        model,
        prompts,
        setting.task.control,
        generator=generator(supply.seed, SAMPLING, supply.batches),
        most=most,
        n=group,
        forcing=_interruption(setting, recipe, supply, count * group),
    )
    passed = judge(setting, problems.repeat(group), responses).view(count, group).to(device)
    supply.retire(rows, passed, recipe.retire)
    tally.count(responses, passed)
    rewards = passed.float() * 2 - 1
    if recipe.overlong:
        late = ((most - responses.lengths) / recipe.overlong - 1).clamp(-1, 0)
        rewards = rewards + late.view(count, group)
    return Rollouts(
        prompts.repeat_interleave(group, 0),
        responses.tokens,
        responses.logp,
        responses.mask,
        rewards,
        passed,
    )


def judge(setting: RLConfig, problems: Problems, responses: PolicyResponses) -> Tensor:
    """Return which responses (n,) the verifier passes."""
    verdict = setting.task.verify(problems, responses.tokens.cpu().numpy())
    return torch.from_numpy(verdict.sound if setting.verifier == "steps" else verdict.correct)


def _interruption(
    setting: RLConfig, recipe: RLRecipe, supply: Supply, count: int
) -> ForcedBudget | None:
    """Return where responses are cut, at a length drawn for each."""
    if recipe.interrupt is None:
        return None
    whole = setting.task.layout.attempt - 1
    draw = np.random.default_rng((supply.seed, CUTS, supply.batches))
    limit = draw.integers(round(recipe.interrupt * whole), whole + 1, count)
    return ForcedBudget(limit=torch.from_numpy(limit), now=(setting.task.control.now,))
