"""Mixtures of many small experts: how finely they are cut is one more thing to scale."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param, published


class KrajewskiMoe(Law):
    r"""L(N, D, granularity) = E + (A + G / granularity^gamma) / N^alpha + B / D^beta.

    With granularity 1 an expert is as wide as the dense feed-forward layer; with G = 0 it is
    Chinchilla's law, and that of dense models. The router costs more with every cut.
    """

    key = "krajewski-moe"
    predicts = "L"
    source = "Krajewski et al. 2024, arXiv:2402.07871, eq. 9"

    E: float = param("nats/token", typical=(0.3, 2), doc="loss left at infinite N and D")
    A: float = param("nats/token * params^alpha", typical=(1e0, 1e3))
    G: float = param("nats/token * params^alpha", typical=(1e0, 1e2), doc="0 for dense models")
    gamma: float = param("1", typical=(0.2, 1.2), bounds=(0, 3), doc="of granularity")
    B: float = param("nats/token * tokens^beta", typical=(1e1, 1e4))
    alpha: float = param("1", typical=(0.1, 0.5), bounds=(0, 2))
    beta: float = param("1", typical=(0.1, 0.5), bounds=(0, 2))

    def __call__(self, N: Array, D: Array, granularity: Array) -> Array:
        return self.E + self._size(granularity) / N**self.alpha + self.B / D**self.beta

    def _size(self, granularity: Array) -> Array:
        return self.A + self.G / granularity**self.gamma

    @closed_form("N")
    def params_for(self, L: Array, D: Array, granularity: Array) -> Array:
        """Return the N [params] that reaches loss L [nats/token] on D [tokens]."""
        excess = L - self.E - self.B / D**self.beta
        return (self._size(granularity) / excess) ** (1 / self.alpha)

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array, granularity: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        excess = L - self.E - self._size(granularity) / N**self.alpha
        return (self.B / excess) ** (1 / self.beta)


_SOURCE = "arXiv:2402.07871, table 1"
_CONVENTIONS = {"N": "total", "C": "6ND", "L": "nats/token"}

published(
    "krajewski2024",
    KrajewskiMoe(E=0.47, A=18.1, G=2.1, gamma=0.58, B=30.8, alpha=0.115, beta=0.147),
    source=_SOURCE,
    conventions=_CONVENTIONS,
    caution="64 experts, N counts all of them: say what share a token meets (--active); rounded "
    "to two or three digits, and the router's FLOP are not in C",
)
published(
    "krajewski2024-dense",
    KrajewskiMoe(E=0.47, A=16.3, G=0.0, gamma=0.58, B=26.7, alpha=0.126, beta=0.127),
    source=_SOURCE,
    conventions=_CONVENTIONS,
    caution="of dense models, whatever the granularity; rounded to two or three digits",
)
