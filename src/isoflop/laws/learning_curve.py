"""Loss along training where every step is worth the most: size and steps each leave a term."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param, published


class LearningCurve(Law):
    r"""L(N, steps) = E + (N_c / N)^alpha_N + (S_c / steps)^alpha_S.

    `steps` are S_min, those at a batch far above critical. Steps at a batch B of tokens count as
    S_min = steps / (1 + B_crit(L) / B): learning-curve-at-batch holds that. After warm-up, and on
    fresh data; Kaplan et al. have E = 0.
    """

    key = "learning-curve"
    predicts = "L"
    source = "Kaplan et al. 2020, arXiv:2001.08361, eq. 1.6 and 5.6"

    E: float = param("nats/token", typical=(0.2, 2), doc="loss left at infinite N and steps")
    N_c: float = param("params", typical=(1e8, 1e11), doc="where size leaves 1 nat/token")
    S_c: float = param("steps", typical=(3e2, 3e4), doc="where steps leave 1 nat/token")
    alpha_N: float = param("1", typical=(0.05, 0.4), bounds=(0, 2))
    alpha_S: float = param("1", typical=(0.4, 1.2), bounds=(0, 3))

    def __call__(self, N: Array, steps: Array) -> Array:
        by_size = (self.N_c / N) ** self.alpha_N
        return self.E + by_size + (self.S_c / steps) ** self.alpha_S

    @closed_form("N")
    def params_for(self, L: Array, steps: Array) -> Array:
        """Return the N [params] that reaches loss L [nats/token] in S_min `steps`."""
        by_size = L - self.E - (self.S_c / steps) ** self.alpha_S
        return self.N_c / by_size ** (1 / self.alpha_N)

    @closed_form("steps")
    def steps_for(self, L: Array, N: Array) -> Array:
        """Return the S_min [steps] in which N [params] reaches loss L [nats/token]."""
        by_steps = L - self.E - (self.N_c / N) ** self.alpha_N
        return self.S_c / by_steps ** (1 / self.alpha_S)


published(
    "kaplan2020",
    LearningCurve(E=0.0, N_c=6.5e13, S_c=2.1e3, alpha_N=0.077, alpha_S=0.76),
    source="arXiv:2001.08361, table 3 (WebText2)",
    conventions={"N": "non-embedding", "L": "nats/token"},
    valid={"N": (768, 1.5e9)},
    caution="steps are S_min, those at a batch far above critical, after warm-up",
)
