"""Test-time compute: strategies that spend it, run for real on a small transformer."""

from __future__ import annotations

from isoflop.experiments.testtime.naming import STRATEGIES, Strategy, attempts, name_of, named
from isoflop.experiments.testtime.search import DVTS, Beam, Rebase
from isoflop.experiments.testtime.setting import Judgement, Setting
from isoflop.experiments.testtime.strategies import Adaptive, Budget, Parallel, Revision
from isoflop.experiments.testtime.study import PRESETS, TestTime, gather
from isoflop.experiments.testtime.tree import MCTS

__all__ = [
    "DVTS", "MCTS", "PRESETS", "STRATEGIES", "Adaptive", "Beam", "Budget", "Judgement", "Parallel",
    "Rebase", "Revision", "Setting", "Strategy", "TestTime", "attempts", "gather", "name_of",
    "named",
]  # fmt: skip
