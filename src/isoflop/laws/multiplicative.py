"""Size and data that share one term: a law along which more of either mends the lack of both."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param


class Multiplicative(Law):
    r"""L(N, D) = E + A / (N^alpha D^beta).

    Along C = 6ND it falls without end towards the side of the larger exponent, so it has no best
    split: use it to forecast near the runs, never to plan.
    """

    key = "multiplicative"
    predicts = "L"
    source = "the product of the two single-input laws of Kaplan et al. 2020, arXiv:2001.08361"

    E: float = param("nats/token", typical=(0.5, 3), doc="loss left at infinite N or D")
    A: float = param("nats/token * params^alpha * tokens^beta", typical=(1e1, 1e4))
    alpha: float = param("1", typical=(0.03, 0.3), bounds=(0, 2))
    beta: float = param("1", typical=(0.03, 0.3), bounds=(0, 2))

    def __call__(self, N: Array, D: Array) -> Array:
        return self.E + self.A / (N**self.alpha * D**self.beta)

    @closed_form("N")
    def params_for(self, L: Array, D: Array) -> Array:
        """Return the N [params] that reaches loss L [nats/token] on D [tokens]."""
        return (self.A / (L - self.E) / D**self.beta) ** (1 / self.alpha)

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        return (self.A / (L - self.E) / N**self.alpha) ** (1 / self.beta)
