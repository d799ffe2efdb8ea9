"""Test-time compute: strategies that spend it, run for real on a small transformer."""

from __future__ import annotations

from isoflop.experiments.testtime.config import Judgement, SearchStudyConfig
from isoflop.experiments.testtime.registry import STRATEGIES, Strategy, attempts, name_of, named
from isoflop.experiments.testtime.search import DVTS, Beam, Rebase
from isoflop.experiments.testtime.strategies import Adaptive, Parallel, Revision, TokenBudget
from isoflop.experiments.testtime.study import PRESETS, TestTime, gather
from isoflop.experiments.testtime.tree import MCTS

__all__ = [
    "DVTS",
    "MCTS",
    "PRESETS",
    "STRATEGIES",
    "Adaptive",
    "Beam",
    "Judgement",
    "Parallel",
    "Rebase",
    "Revision",
    "SearchStudyConfig",
    "Strategy",
    "TestTime",
    "TokenBudget",
    "attempts",
    "gather",
    "name_of",
    "named",
]
