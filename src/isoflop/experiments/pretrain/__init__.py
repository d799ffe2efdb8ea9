"""Small language models trained for the purpose: runs of L(N, D) that any machine can make."""

from __future__ import annotations

from isoflop.experiments.pretrain.recipe import TrainingRecipe
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.pretrain.sweep import PRESETS, PointSize, Pretrain, PretrainPreset, budgets

__all__ = [
    "PRESETS",
    "PointSize",
    "Pretrain",
    "PretrainPreset",
    "Shape",
    "TrainingRecipe",
    "budgets",
]
