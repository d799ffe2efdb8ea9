"""A small transformer that answers verifiable problems: what RL, rewards and test time share.

Torch is imported by `model`, `cache`, `sampling` and `likelihood`, and where a policy is made.
"""

from __future__ import annotations

from isoflop.experiments.policy.chain import ChainTask
from isoflop.experiments.policy.flop import forward_flop, training_flop
from isoflop.experiments.policy.pretraining import Warmup, pass_rate, warm_start
from isoflop.experiments.policy.retries import Retries
from isoflop.experiments.policy.task import (
    Control,
    Demonstrations,
    Problems,
    Task,
    Verdict,
    describe,
    described,
    shape_for,
)

__all__ = [
    "ChainTask",
    "Control",
    "Demonstrations",
    "Problems",
    "Retries",
    "Task",
    "Verdict",
    "Warmup",
    "describe",
    "described",
    "forward_flop",
    "pass_rate",
    "shape_for",
    "training_flop",
    "warm_start",
]
