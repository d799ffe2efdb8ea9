"""Train a policy by a recipe and measure what it passes as compute grows; resumable exactly."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.policy import training_flop, warm_start
from isoflop.experiments.policy.likelihood import likelihood
from isoflop.experiments.policy.sampling import sample
from isoflop.experiments.rl.config import RLConfig
from isoflop.experiments.rl.losses import advantages, divergence, token_loss, weights
from isoflop.experiments.rl.recipe import RLRecipe
from isoflop.experiments.rl.rollout import (
    LOOK,
    Rollouts,
    RolloutTally,
    Supply,
    generator,
    judge,
    roll_out,
)
from isoflop.experiments.state import load_state

MICRO = 128  # responses learned from at once on a CPU: more fall out of its cache
STARTS = 4  # times the samples of a look that the start is measured with


@dataclass(frozen=True, slots=True)
class RLEvaluation:
    """What a policy does on held-out problems after `steps` steps, and what training showed.

    `passed` is the pass rate; `flop` [FLOP] and `rollouts` are what training has cost, looks
    not counted. `entropy` [nats/token] and `KL` from the start [nats/response] are of the
    held-out responses, `cut` and `unvaried` are shares of the rollouts since the last look.
    """

    steps: int
    flop: float
    rollouts: int
    passed: float
    entropy: float
    KL: float
    cut: float
    unvaried: float


@dataclass(frozen=True, slots=True)
class RLResult:
    """The pass rate at the start, the looks since, and the time over all attempts [s]."""

    start: float
    looks: tuple[RLEvaluation, ...]
    seconds: float
    cpu_seconds: float


class RLTrainer:
    """A policy in training: weights, optimiser, where its problems come from, what it cost."""

    def __init__(self, setting: RLConfig, recipe: RLRecipe, seed: int, device: str) -> None:
        self.setting, self.recipe, self.seed = setting, recipe, seed
        kind = (setting.shape, setting.task, setting.warmup)
        self.model = warm_start(*kind, seed=setting.start, device=device)
        self.reference = warm_start(*kind, seed=setting.start, device=device).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.model.rates(),
            lr=setting.lr,
            betas=(0.9, 0.95),
            eps=1e-15,
            weight_decay=0.0,
            fused=device != "mps",
        )
        for group in self.optimiser.param_groups:
            group["lr"] = setting.lr * group["scale"]
        self.supply, self.tally = Supply(setting, seed), RolloutTally()
        self.steps, self.learned = 0, 0.0
        self.micro = MICRO if device == "cpu" else 1 << 30
        draw = np.random.default_rng((setting.start, LOOK))
        self.examined = setting.task.problems(setting.problems, draw)

    def turn(self, most: int) -> None:
        """Roll out once, and take the recipe's number of steps on that, `most` at most."""
        setting, lag = self.setting, min(self.recipe.lag, most)
        parts = [setting.prompts] * lag
        rolled = roll_out(self.model, setting, self.recipe, self.supply, self.tally, sum(parts))
        for rows in torch.arange(len(rolled.rewards)).tensor_split(lag):
            self._step(rolled.groups(rows.to(rolled.rewards.device)))

    def _step(self, rolled: Rollouts) -> None:
        """Take one step; rollouts that left no group take none, but count as one."""
        self.steps += 1
        if not len(rolled.rewards):
            return
        advantage_n = advantages(rolled.rewards, self.recipe).flatten()
        share_nt = weights(
            rolled.mask, self.recipe, self.setting.group, self.setting.longest(self.recipe)
        )
        self.optimiser.zero_grad(set_to_none=True)
        n = len(advantage_n)
        for rows in torch.split(torch.arange(n, device=share_nt.device), self.micro):
            losses_nt = self._losses(rolled, rows, advantage_n[rows])
            (losses_nt * share_nt[rows]).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        pad = self.model.layout.pad
        tokens = (rolled.prompts != pad).sum(1) + (rolled.tokens != pad).sum(1)
        self.learned += float(training_flop(self.setting.shape, tokens.double()).sum())

    def _losses(self, rolled: Rollouts, rows: Tensor, advantage_n: Tensor) -> Tensor:
        """Return the loss of each token of some of the responses."""
        prompts, tokens = rolled.prompts[rows], rolled.tokens[rows]
        reference = None
        if self.recipe.kl:
            with torch.no_grad():
                reference = likelihood(self.reference, prompts, tokens).logp
        logp = likelihood(self.model, prompts, tokens).logp
        return token_loss(
            self.recipe, logp, rolled.old[rows], advantage_n, rolled.mask[rows], reference
        )

    @torch.no_grad()
    def look(self, samples: int) -> RLEvaluation:
        """Return what the policy does on the held-out problems, each answered `samples` times."""
        setting, task = self.setting, self.setting.task
        device = self.model.embedding.weight.device
        prompts = torch.from_numpy(self.examined.prompts).to(device)
        random = generator(self.seed, LOOK, self.steps)
        most = task.layout.attempt - 1
        passed = []
        for _ in range(samples):
            responses = sample(self.model, prompts, task.control, generator=random, most=most)
            passed.append(judge(setting, self.examined, responses).float().mean().item())
        now = likelihood(self.model, prompts, responses.tokens)
        then = likelihood(self.reference, prompts, responses.tokens)
        KL = divergence(now.logp, then.logp).sum(1).mean()
        flop = self.tally.flop + self.learned
        cut, unvaried = self.tally.shares()
        return RLEvaluation(
            steps=self.steps,
            flop=flop,
            rollouts=self.tally.responses,
            passed=float(np.mean(passed)),
            entropy=float(now.entropy[responses.mask].mean()),
            KL=float(KL),
            cut=cut,
            unvaried=unvaried,
        )

    def state(self) -> dict[str, Any]:
        """Return everything that the next turn depends on."""
        supply = self.supply
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "learned": self.learned,
            "tally": asdict(self.tally),
            "supply": (supply.batches, supply.epoch, supply.cursor, supply.retired.tolist()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up `state`."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.learned = state["steps"], state["learned"]
        self.tally = RolloutTally(**state["tally"])
        *counts, retired = state["supply"]
        self.supply.batches, self.supply.epoch, self.supply.cursor = counts
        self.supply.retired = np.array(retired, bool)


@dataclass
class RLTrainingState:
    """How far a run has come and what it found; resumed from `folder`."""

    learner: RLTrainer
    folder: TrialFolder
    keep_every: float  # [s]
    start: float | None = None
    evaluations: list[RLEvaluation] = field(default_factory=list)
    clocks: tuple[float, float] = field(default_factory=lambda: _clocks())
    kept_at: float = field(default_factory=time.monotonic)

    def resume(self, device: str) -> None:
        """Take up the last state that was kept, if there is one."""
        if (path := self.folder.checkpoint) is None:
            return
        state = load_state(path, device)
        self.learner.restore(state["learner"])
        self.start, self.evaluations = (
            state["start"],
            [RLEvaluation(**look) for look in state["evaluations"]],
        )
        wall, cpu = _clocks()
        self.clocks = (wall - state["spent"][0], cpu - state["spent"][1])

    def look(self) -> None:
        """Measure the policy, and write down what was found."""
        look = self.learner.look(self.learner.setting.samples)
        self.evaluations.append(look)
        self.folder.append({"step": look.steps, "C": look.flop, "R": look.passed})

    def keep(self) -> None:
        """Keep the state to resume from, in place of the last."""
        state = {
            "learner": self.learner.state(),
            "start": self.start,
            "evaluations": [asdict(look) for look in self.evaluations],
            "spent": self.spent(),
        }
        self.folder.save_checkpoint(lambda file: torch.save(state, file))
        self.kept_at = time.monotonic()

    def spent(self) -> tuple[float, float]:
        """Return the time that the run has taken, over all its attempts: wall and CPU [s]."""
        wall, cpu = _clocks()
        return wall - self.clocks[0], cpu - self.clocks[1]


def train(
    setting: RLConfig,
    recipe: RLRecipe,
    folder: TrialFolder,
    *,
    seed: int = 0,
    device: str = "cpu",
    keep_every: float = 10.0,
) -> RLResult:
    """Return what a policy passes as it is trained, measured every `setting.every` steps.

    The same seed gives the same numbers on the same kind of machine, whether or not the run was
    interrupted: the state is kept in `folder` every `keep_every` seconds.
    """
    journey = RLTrainingState(RLTrainer(setting, recipe, seed, device), folder, keep_every)
    journey.resume(device)
    learner = journey.learner
    if journey.start is None:
        journey.start = learner.look(STARTS * setting.samples).passed
    while learner.steps < setting.steps:
        learner.turn(setting.steps - learner.steps)
        if learner.steps % setting.every == 0:
            journey.look()
        folder.progress(learner.steps / setting.steps)
        if time.monotonic() - journey.kept_at >= keep_every:
            journey.keep()
    return RLResult(journey.start, tuple(journey.evaluations), *journey.spent())


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.process_time()
