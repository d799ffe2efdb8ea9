"""Mixtures by the share of experts that rest: sparsity helps size, and costs a little by itself."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param, published


class AbnarSparsity(Law):
    r"""L(N, D, S) = E + A / N^alpha + B / D^beta + F / (1-S)^phi + G / ((1-S)^delta N^gamma).

    S is the sparsity (experts - active) / experts, and N counts all experts: of N a token meets
    about 1 - S.
    """

    key = "abnar-sparsity"
    predicts = "L"
    source = "Abnar et al. 2025, arXiv:2501.12370, eq. 4"

    E: float = param("nats/token", typical=(0.3, 2), doc="loss left at infinite N and D")
    A: float = param("nats/token * params^alpha", typical=(1e2, 1e5))
    alpha: float = param("1", typical=(0.2, 0.8), bounds=(0, 2))
    B: float = param("nats/token * tokens^beta", typical=(1e2, 1e5))
    beta: float = param("1", typical=(0.2, 0.8), bounds=(0, 2))
    F: float = param("nats/token", typical=(0.1, 1), doc="E + F is the floor of a dense model")
    phi: float = param("1", typical=(-0.4, -0.05), bounds=(-2, 2), doc="lambda of the source")
    G: float = param("nats/token * params^gamma", typical=(1, 1e2))
    gamma: float = param("1", typical=(0.1, 0.3), bounds=(0, 2))
    delta: float = param("1", typical=(0.05, 0.3), bounds=(-1, 2))

    def __call__(self, N: Array, D: Array, sparsity: Array) -> Array:
        used = 1 - sparsity
        sparsity_term = self.F / used**self.phi + self.G / (used**self.delta * N**self.gamma)
        return self.E + self.A / N**self.alpha + self.B / D**self.beta + sparsity_term

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array, sparsity: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        rest = L - self(N=N, D=float("inf"), sparsity=sparsity)
        return (self.B / rest) ** (1 / self.beta)


published(
    "abnar2025",
    AbnarSparsity(
        E=0.94, A=16612.5, alpha=0.5962, B=5455.67, beta=0.3954,
        F=0.4598, phi=-0.1666, G=17.26, gamma=0.1595, delta=0.1603,
    ),
    source="arXiv:2501.12370, table 3",
    conventions={"N": "total", "C": "6ND", "L": "nats/token"},
    caution="N counts all experts: say what share a token meets (--active, about 1 - S). Held out "
    "at S = 0.98 it explains two thirds of the variance (R2 0.68)",
)  # fmt: skip
