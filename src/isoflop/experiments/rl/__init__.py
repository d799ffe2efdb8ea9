"""Reinforcement learning of a small policy on verifiable problems, its recipes as data."""

from __future__ import annotations

from isoflop.experiments.rl.config import RLConfig
from isoflop.experiments.rl.presets import PRESETS
from isoflop.experiments.rl.recipe import RECIPES, RLRecipe, named
from isoflop.experiments.rl.study import RecipeArm, Reinforce

__all__ = ["PRESETS", "RECIPES", "RLConfig", "RLRecipe", "RecipeArm", "Reinforce", "named"]
