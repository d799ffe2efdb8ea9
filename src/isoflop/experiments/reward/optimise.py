"""Reinforcement learning on a proxy, measured by gold where KL has grown; resumable exactly."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.policy.likelihood import likelihood
from isoflop.experiments.reward.config import RewardConfig, Scorer
from isoflop.experiments.reward.proxies import ProxyScorer, combined
from isoflop.experiments.reward.world import BANK, LOOK, ROLLOUTS, Scene, draw, generator
from isoflop.experiments.state import load_state
from isoflop.samples.kl import kl_estimates

# Tensor suffixes: n responses, t symbols.

START = 4  # times the responses of a look that the start is measured by


@dataclass(frozen=True, slots=True)
class RewardEvaluation:
    """The policy after `steps` steps: gold and score with its standard error, and how far it is.

    `KL` [nats] is by the estimator k1 with its standard error, `k3` by the other unbiased one.
    """

    steps: int
    KL: float
    KL_error: float
    k3: float
    gold: float
    gold_error: float
    score: float


class RewardTrainer:
    """A policy that is taught what a scorer likes."""

    def __init__(self, setting: RewardConfig, scorer: Scorer, seed: int) -> None:
        self.setting, self.scorer, self.seed = setting, scorer, seed
        self.scene = Scene(setting.world, seed)
        self.judges = [ProxyScorer(self.scene, p, setting.learning) for p in scorer.proxies]
        self.policy = copy.deepcopy(self.scene.policy).requires_grad_(True)
        self.optimiser = torch.optim.Adam(self.policy.parameters(), lr=setting.pursuit.lr)
        self.steps = 0
        self.KL = 0.0  # of the last batch [nats]

    def score(self, tokens_nt: Tensor) -> Tensor:
        """Return what the scorer gives to sequences (n,)."""
        return combined(torch.stack([judge(tokens_nt) for judge in self.judges]), self.scorer.rule)

    def step(self) -> None:
        """Take one step of REINFORCE, with the mean of the batch for a baseline."""
        pursuit = self.setting.pursuit
        self.steps += 1
        prompts = self.scene.prompts(pursuit.responses, draw(self.seed, ROLLOUTS, self.steps))
        random = generator(self.seed, ROLLOUTS, self.steps)
        tokens, logp_n = self.scene.respond(self.policy, prompts, random)
        gap_n = logp_n - self._logp(self.scene.policy, tokens).detach()
        self.KL = float(gap_n.mean())
        reward_n = self.score(tokens) - pursuit.penalty * gap_n
        advantage_n = (reward_n - reward_n.mean()) / (reward_n.std() + 1e-6)
        self.optimiser.zero_grad(set_to_none=True)
        loss = -(advantage_n * self._logp(self.policy, tokens)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
        self.optimiser.step()

    def _logp(self, policy: Any, tokens_nt: Tensor) -> Tensor:
        """Return the log-probability (n,) [nats] of the responses of whole sequences."""
        prompt = self.setting.world.prompt
        return likelihood(policy, tokens_nt[:, :prompt], tokens_nt[:, prompt:]).logp.sum(1)

    @torch.no_grad()
    def look(self, count: int) -> RewardEvaluation:
        """Return what the policy does on the prompts of the bank, by `count` responses."""
        bank_prompts = self.scene.prompts(self.setting.bank.prompts, draw(self.seed, BANK))
        prompts = bank_prompts.repeat(-(-count // len(bank_prompts)), 1)[:count]
        tokens, _ = self.scene.respond(self.policy, prompts, generator(self.seed, LOOK, self.steps))
        now, then = self._logp(self.policy, tokens), self._logp(self.scene.policy, tokens)
        far = kl_estimates(now.numpy(), then.numpy())
        gold = self.scene.gold(tokens)
        return RewardEvaluation(
            steps=self.steps,
            KL=far.k1.value,
            KL_error=far.k1.error,
            k3=far.k3.value,
            gold=float(gold.mean()),
            gold_error=float(gold.std() / count**0.5),
            score=float(self.score(tokens).mean()),
        )

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "policy": self.policy.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "KL": self.KL,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up `state`."""
        self.policy.load_state_dict(state["policy"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.KL = state["steps"], state["KL"]


@dataclass
class RewardTrainingState:
    """How far a run has come and what it found; resumed from `folder`."""

    learner: RewardTrainer
    folder: TrialFolder
    keep_every: float  # [s]
    evaluations: list[RewardEvaluation] = field(default_factory=list)
    kept_at: float = field(default_factory=time.monotonic)

    def resume(self) -> None:
        """Take up the last state that was kept; without one, measure the start."""
        if (path := self.folder.checkpoint) is None:
            start = self.learner.look(START * self.learner.setting.pursuit.look)
            self.evaluations.append(replace(start, KL=0.0, KL_error=0.0, k3=0.0))
            return
        state = load_state(path)
        self.learner.restore(state["learner"])
        self.evaluations = [RewardEvaluation(**look) for look in state["evaluations"]]

    @property
    def furthest(self) -> float:
        """The largest d [sqrt(nats)] that was looked at."""
        return math.sqrt(max(max(look.KL, 0.0) for look in self.evaluations))

    def advance(self) -> None:
        """Take one step, look if KL has grown enough, and keep the state if it is time."""
        pursuit, learner = self.learner.setting.pursuit, self.learner
        learner.step()
        last = learner.steps == pursuit.steps
        if last or math.sqrt(max(learner.KL, 0.0)) >= self.furthest + pursuit.spacing:
            look = learner.look(pursuit.look)
            self.evaluations.append(look)
            self.folder.append({"step": look.steps, **asdict(look)})
        self.folder.progress(max(learner.steps / pursuit.steps, self.furthest / pursuit.furthest))
        if time.monotonic() - self.kept_at >= self.keep_every:
            state = {
                "learner": learner.state(),
                "evaluations": [asdict(look) for look in self.evaluations],
            }
            self.folder.save_checkpoint(lambda file: torch.save(state, file))
            self.kept_at = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the run has come as far as it is to go."""
        pursuit = self.learner.setting.pursuit
        return self.learner.steps >= pursuit.steps or self.furthest >= pursuit.furthest


def pursue(
    setting: RewardConfig, scorer: Scorer, folder: TrialFolder, seed: int, keep_every: float = 10.0
) -> tuple[RewardEvaluation, ...]:
    """Return what gold says of a policy as it learns to please a scorer, from the start on.

    The same seed gives the same numbers on the same kind of machine, interrupted or not.
    """
    journey = RewardTrainingState(RewardTrainer(setting, scorer, seed), folder, keep_every)
    journey.resume()
    while not journey.over:
        journey.advance()
    return tuple(journey.evaluations)
