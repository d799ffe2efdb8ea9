"""Small language models trained for the purpose: runs of L(N, D) that any machine can make."""

from __future__ import annotations

from isoflop.experiments.pretrain.recipe import TrainingRecipe
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.pretrain.sweep import PRESETS, Pretrain, PretrainPreset, Size, budgets

__all__ = ["PRESETS", "Pretrain", "PretrainPreset", "Shape", "Size", "TrainingRecipe", "budgets"]
