"""Reward curves of RL and of reward-model over-optimisation, and what they support."""
