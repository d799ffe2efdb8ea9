"""Mixtures whose experts change both exponents: how much a token of data and a parameter give."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param

N_REF, D_REF = 1e9, 2e10  # params, tokens: where A_ref and B_ref are meant
ANY = (-np.inf, np.inf)


class LudziejewskiMoe(Law):
    r"""L(N, D, experts) = E + A X^delta N^(alpha + gamma ln X) + B X^omega D^(beta + zeta ln X).

    X saturates with the experts: 1/X = 1/(experts - 1 + 1/(1/least - 1/most)) + 1/most. A and B
    are given by what the terms come to for X = 1 at 1e9 parameters and 2e10 tokens, delta and
    omega by the slopes there; here exponents are of 1/N and 1/D. N is what a token meets. Without
    published constants: fit your own, to experts from 1 to 32.
    """

    key = "ludziejewski-moe"
    predicts = "L"
    source = "Ludziejewski et al. 2025, arXiv:2502.05172"
    homogeneous = False  # a unit of N cannot leave N^(gamma ln X)

    E: float = param("nats/token", typical=(0.5, 2), doc="loss left at infinite N and D")
    A_ref: float = param("nats/token", typical=(0.2, 1), doc="at 1e9 params, X = 1")
    delta: float = param("1", typical=(-0.3, 0.1), bounds=ANY, doc="of X in the size term there")
    alpha: float = param("1", typical=(0.1, 0.4), bounds=(0, 2), doc="of 1/N, X = 1")
    gamma: float = param("1", typical=(-0.02, 0.02), bounds=(-1, 1), doc="by which ln X adds to it")
    B_ref: float = param("nats/token", typical=(0.2, 1), doc="at 2e10 tokens, X = 1")
    omega: float = param("1", typical=(-0.2, 0.3), bounds=ANY, doc="of X in the data term there")
    beta: float = param("1", typical=(0.1, 0.4), bounds=(0, 2), doc="of 1/D, X = 1")
    zeta: float = param("1", typical=(-0.02, 0.02), bounds=(-1, 1), doc="by which ln X adds to it")
    least: float = param("experts", typical=(1, 4), doc="X of a dense model")
    most: float = param("experts", typical=(100, 600), doc="X of infinitely many experts")

    def __call__(self, N: Array, D: Array, experts: Array) -> Array:
        x = self._worth(experts)
        data = self._data(x) - (self.beta + self.zeta * x) * np.log(D / D_REF)
        return self.E + self._size(N, x) + np.exp(data)

    def _worth(self, experts: Array) -> Array:
        """Return ln X."""
        offset = 1 / (1 / self.least - 1 / self.most)
        return -np.log(1 / (experts - 1 + offset) + 1 / self.most)

    def _size(self, N: Array, x: Array) -> Array:
        return self.A_ref * np.exp(
            self.delta * x - (self.alpha + self.gamma * x) * np.log(N / N_REF)
        )

    def _data(self, x: Array) -> Array:
        """Return the log of the data term at D_REF."""
        return np.log(self.B_ref) + self.omega * x

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array, experts: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        x = self._worth(experts)
        excess = L - self.E - self._size(N, x)
        return D_REF * np.exp((self._data(x) - np.log(excess)) / (self.beta + self.zeta * x))
