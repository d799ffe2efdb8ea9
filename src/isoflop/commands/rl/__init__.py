"""Reinforcement learning: fit curves of reward, compare recipes, go on or stop."""

SECTION = "After pretraining"
