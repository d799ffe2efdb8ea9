"""Pretraining and repeated sampling in one loss: size, tokens, and samples per problem."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param


class TestTimeJoint(Law):
    r"""L(N, D, k) = E + A / N^alpha + B / D^beta + G / k^gamma.

    Chinchilla's law with a term for samples at test time. Under 6ND <= C to train and 2Nk tokens
    to answer, smaller models that are trained longer buy more samples.
    """

    key = "test-time-joint"
    predicts = "L"
    source = "T^2 scaling 2026, arXiv:2604.01411; no constants are shipped"

    E: float = param("nats/token", typical=(0.5, 3))
    A: float = param("nats/token * params^alpha", typical=(1e1, 1e4))
    B: float = param("nats/token * tokens^beta", typical=(1e1, 1e5))
    G: float = param("nats/token * samples^gamma", typical=(0.2, 2), doc="what one sample leaves")
    alpha: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    beta: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    gamma: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))

    def __call__(self, N: Array, D: Array, k: Array) -> Array:
        return self.E + self.A / N**self.alpha + self.B / D**self.beta + self.G / k**self.gamma

    @closed_form("k")
    def samples_for(self, L: Array, N: Array, D: Array) -> Array:
        """Return the samples per problem that reach loss L; NaN where no number does."""
        excess = L - self.E - self.A / N**self.alpha - self.B / D**self.beta
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.G / np.where(excess > 0, excess, np.nan)) ** (1 / self.gamma)
