"""Mixtures whose size and experts get in each other's way: a product of logs above a sum."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param

N_REF, D_REF = 1e9, 2e10  # params, tokens: where A_ref and B_ref are meant


class YunMoe(Law):
    r"""L(N, D, experts) = (E + A / N^alpha + G / experts^gamma + B / D^beta) N^(cross ln experts).

    A and B are given by what they come to at 1e9 parameters and 2e10 tokens. Without published
    constants: the source draws its fits and does not print them.
    """

    key = "yun-moe"
    predicts = "L"
    source = "Yun et al. 2024, arXiv:2404.02852: log L = log(sum) + d log N log E"
    homogeneous = False  # N^(cross ln experts) is no power that a unit of N could leave

    E: float = param("nats/token", typical=(0.5, 3), doc="its floor, before the product")
    A_ref: float = param("nats/token", typical=(0.1, 1), doc="A / N^alpha at 1e9 params")
    alpha: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    B_ref: float = param("nats/token", typical=(0.1, 1), doc="B / D^beta at 2e10 tokens")
    beta: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    G: float = param("nats/token", typical=(0.05, 0.5), doc="what one expert leaves")
    gamma: float = param("1", typical=(0.2, 1), bounds=(0, 2), doc="of the experts")
    cross: float = param("1", typical=(1e-4, 3e-3), bounds=(-0.1, 0.1), doc="d of the source")

    def __call__(self, N: Array, D: Array, experts: Array) -> Array:
        data = self.B_ref / (D / D_REF) ** self.beta
        return (self._without_data(N, experts) + data) * self._product(N, experts)

    def _without_data(self, N: Array, experts: Array) -> Array:
        size = self.A_ref / (N / N_REF) ** self.alpha
        return self.E + size + self.G / experts**self.gamma

    def _product(self, N: Array, experts: Array) -> Array:
        return np.exp(self.cross * np.log(N) * np.log(experts))

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array, experts: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        excess = L / self._product(N, experts) - self._without_data(N, experts)
        return D_REF * (self.B_ref / excess) ** (1 / self.beta)
