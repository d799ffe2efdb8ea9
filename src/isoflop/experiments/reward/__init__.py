"""Over-optimisation of reward models, made to happen: best-of-n and RL on proxies of a gold."""

from __future__ import annotations

from isoflop.experiments.reward.config import (
    BankSize,
    Learning,
    Proxy,
    Pursuit,
    RewardConfig,
    RewardTask,
    Scorer,
)
from isoflop.experiments.reward.study import PRESETS, Overoptimise, RLTarget

__all__ = [
    "PRESETS",
    "BankSize",
    "Learning",
    "Overoptimise",
    "Proxy",
    "Pursuit",
    "RLTarget",
    "RewardConfig",
    "RewardTask",
    "Scorer",
]
