"""Banks with known truth: problems whose pass rates, answers and verifier scores are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.samples.sample_table import SCORE


@dataclass(frozen=True)
class SyntheticTask:
    """How a simulated task behaves.

    Pass rates are Beta(alpha, beta) up to `highest`, to the power 1 / `lift`: a better model of
    the same seed has the same problems, and solves each more often. Wrong answers fall on
    `answers` others, the most popular with `lure` of them, so that votes settle on it where it
    beats the right one. A verifier scores by a logit that is `skill` higher for right answers, and
    `fooled` of the wrong ones look right to it, better than right: the best of many is then wrong.
    """

    alpha: float = 0.5
    beta: float = 1.0
    highest: float = 1.0
    lift: float = 1.0
    answers: int = 10
    lure: float = 0.4
    skill: float = 1.5
    fooled: float = 0.02
    tokens: float = 300.0
    parameters: float = 1e8

    def rates(self, problems: int, rng: np.random.Generator) -> Numbers:
        """Return the pass rate of each problem (p,)."""
        return np.asarray(
            (self.highest * rng.beta(self.alpha, self.beta, problems)) ** (1 / self.lift)
        )


def simulate(
    world: SyntheticTask, problems: int, samples: int, *, seed: int = 0, lineage: str = "simulated"
) -> Mapping[str, Any]:
    """Return columns of a sample bank, as `BankWriter.extend` takes them.

    Hard problems take more tokens. FLOP are 2 a parameter and token.
    """
    if problems < 1 or samples < 1:
        raise UsageError(f"{problems} problems of {samples} samples; give one of each at least")
    rng = np.random.default_rng(seed)
    rate = np.repeat(world.rates(problems, rng), samples)
    n = rate.size
    right = rng.random(n) < rate
    other = np.where(rng.random(n) < world.lure, 1, 1 + rng.integers(0, max(world.answers, 1), n))
    answer = np.where(right, 0, other)
    fooled = ~right & (rng.random(n) < world.fooled)
    logit = rng.standard_normal(n) + world.skill * right + (world.skill + 2) * fooled
    tokens = np.maximum(1, rng.poisson(world.tokens * (1.5 - rate)))
    return {
        "problem": np.repeat([f"p{i:0{len(str(problems))}d}" for i in range(problems)], samples),
        "sample": np.tile(np.arange(samples), problems),
        "strategy": np.full(n, "parallel"),
        "lineage": np.full(n, lineage),
        "answer": answer.astype(str),
        "correct": right,
        f"{SCORE}verifier": 1 / (1 + np.exp(-logit)),
        "tokens": tokens,
        "prompt_tokens": np.full(n, 100),
        "flop": 2 * world.parameters * tokens,
        "prompt_flop": np.full(n, 2 * world.parameters * 100),
        "verifier_flop": 2 * world.parameters * (tokens + 100.0),
        "seconds": tokens / 100.0,
    }
