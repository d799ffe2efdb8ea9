"""Trainers of the user's own: any command, or a function, as the source of runs."""

from __future__ import annotations

from isoflop.experiments.trainer.functions import trial
from isoflop.experiments.trainer.result import ResultMapping
from isoflop.experiments.trainer.trainer import FunctionTrainer, Trainer

__all__ = ["FunctionTrainer", "ResultMapping", "Trainer", "trial"]
