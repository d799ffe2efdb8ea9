"""Weights set to zero: what is left is worth more than as many weights of a dense model."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param


class FrantarSparsity(Law):
    r"""L(N, D, S) = E + (A (1 - S)^bend + A_0) / N^alpha + (D_c / D)^beta.

    N counts the weights that are not zero, S is the share that is. Also fits mixtures, with N of
    what a token meets and S of what it does not. Without published constants.
    """

    key = "frantar-sparsity"
    predicts = "L"
    source = "Frantar et al. 2023, arXiv:2309.08520, eq. 1"

    E: float = param("nats/token", typical=(0.3, 3), doc="loss left at infinite N and D")
    A: float = param("nats/token * params^alpha", typical=(1e0, 1e4), doc="what sparsity takes off")
    bend: float = param("1", typical=(0.3, 3), bounds=(0, 10), doc="how sparsity takes it off")
    A_0: float = param("nats/token * params^alpha", typical=(1e0, 1e4), doc="left at S = 1")
    alpha: float = param("1", typical=(0.1, 0.6), bounds=(0, 2))
    D_c: float = param("tokens", typical=(1e6, 1e10), doc="data that leaves 1 nat")
    beta: float = param("1", typical=(0.1, 0.6), bounds=(0, 2))

    def __call__(self, N: Array, D: Array, sparsity: Array) -> Array:
        size = self._size(sparsity) / N**self.alpha
        return self.E + size + (self.D_c / D) ** self.beta

    def _size(self, sparsity: Array) -> Array:
        return self.A * (1 - sparsity) ** self.bend + self.A_0

    @closed_form("N")
    def params_for(self, L: Array, D: Array, sparsity: Array) -> Array:
        """Return the N [params] that reaches loss L [nats/token] on D [tokens]."""
        excess = L - self.E - (self.D_c / D) ** self.beta
        return (self._size(sparsity) / excess) ** (1 / self.alpha)

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array, sparsity: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        excess = L - self.E - self._size(sparsity) / N**self.alpha
        return self.D_c / excess ** (1 / self.beta)
