"""One family that holds both Chinchilla's law and Kaplan's: how size and data limits combine."""

from __future__ import annotations

from isoflop.law import Allocation, Array, Law, closed_form, param


class Generalised(Law):
    r"""L(N, D) = E + [(A / N^alpha)^(1/q) + (B / D^beta)^(1/q)]^q.

    q = 1 is Chinchilla's law; E = 0 and q = beta is Kaplan's, with A = N_c^alpha, B = D_c^beta.
    A small q lets the larger limit rule alone. Only runs away from the frontier pin q down.
    Skaling (Videau et al. 2026) is this family, its k being q and its exponents alpha/q, beta/q.
    """

    key = "generalised"
    predicts = "L"
    source = (
        "the family that nests Hoffmann et al. 2022, eq. 2 and Kaplan et al. 2020, eq. 1.5; "
        "Videau et al. 2026, arXiv:2608.07222"
    )

    E: float = param("nats/token", typical=(0.1, 3), doc="loss left at infinite N and D")
    A: float = param("nats/token * params^alpha", typical=(1e0, 1e4))
    B: float = param("nats/token * tokens^beta", typical=(1e0, 1e5))
    alpha: float = param("1", typical=(0.05, 0.8), bounds=(0, 2))
    beta: float = param("1", typical=(0.05, 0.8), bounds=(0, 2))
    q: float = param("1", typical=(0.1, 1.5), bounds=(0.01, 4), doc="how the two limits combine")

    def __call__(self, N: Array, D: Array) -> Array:
        by_size = (self.A / N**self.alpha) ** (1 / self.q)
        by_data = (self.B / D**self.beta) ** (1 / self.q)
        return self.E + (by_size + by_data) ** self.q

    @closed_form("N")
    def params_for(self, L: Array, D: Array) -> Array:
        """Return the N [params] that reaches loss L [nats/token] on D [tokens]."""
        by_data = (self.B / D**self.beta) ** (1 / self.q)
        by_size = ((L - self.E) ** (1 / self.q) - by_data) ** self.q
        return (self.A / by_size) ** (1 / self.alpha)

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        by_size = (self.A / N**self.alpha) ** (1 / self.q)
        by_data = ((L - self.E) ** (1 / self.q) - by_size) ** self.q
        return (self.B / by_data) ** (1 / self.beta)

    @closed_form("optimum")
    def optimum(self, C: Array) -> Allocation:
        """Return the N and D that minimise loss at C = 6ND [FLOP]; q only scales both terms."""
        a = self.beta / (self.alpha + self.beta)
        ratio = (self.alpha / self.beta) ** self.q * self.A / self.B
        G = ratio ** (1 / (self.alpha + self.beta))
        return Allocation(N=G * (C / 6) ** a, D=(C / 6) ** (1 - a) / G)
