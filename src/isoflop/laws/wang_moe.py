"""Mixtures whose experts multiply what size is worth, up to about a hundred of them."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param


class WangMoe(Law):
    r"""L(N, D, experts) = E + A / (N^alpha experts^gamma) + B / D^beta.

    Without published constants: the source prints how the best N and D grow with 8 experts
    (N as C^0.590, D as C^0.410; dense C^0.507 and C^0.493), which are no alpha and beta. Meant
    for fewer than 100 experts.
    """

    key = "wang-moe"
    predicts = "L"
    source = "Wang et al. 2024, arXiv:2410.05661"

    E: float = param("nats/token", typical=(0.5, 3), doc="loss left at infinite N and D")
    A: float = param("nats/token * params^alpha * experts^gamma", typical=(1e1, 1e4))
    B: float = param("nats/token * tokens^beta", typical=(1e1, 1e5))
    alpha: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    beta: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    gamma: float = param("1", typical=(0.02, 0.3), bounds=(-1, 2), doc="of the experts")

    def __call__(self, N: Array, D: Array, experts: Array) -> Array:
        size = self.A / (N**self.alpha * experts**self.gamma)
        return self.E + size + self.B / D**self.beta

    @closed_form("N")
    def params_for(self, L: Array, D: Array, experts: Array) -> Array:
        """Return the N [params] that reaches loss L [nats/token] on D [tokens]."""
        excess = L - self.E - self.B / D**self.beta
        return (self.A / experts**self.gamma / excess) ** (1 / self.alpha)

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array, experts: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        excess = L - self.E - self.A / (N**self.alpha * experts**self.gamma)
        return (self.B / excess) ** (1 / self.beta)
