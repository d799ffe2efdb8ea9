"""Loss along training at a batch: a small batch takes more steps, by a critical batch of L."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param, published

PASSES = 9  # of Newton's method, from a start on the side from which it never overshoots


class LearningCurveAtBatch(Law):
    r"""L(N, steps, batch) = E + (N_c / N)^alpha_N + (S_c [1 + B_crit(L) / batch] / steps)^alpha_S.

    Here B_crit(L) = B_star / L^power is the critical batch, so that L stands on both sides. The
    bracket turns the steps that were taken into those at a batch far above critical.
    """

    key = "learning-curve-at-batch"
    predicts = "L"
    source = "Kaplan et al. 2020, arXiv:2001.08361, eq. 1.4, 1.6, 5.4 and 5.6"

    E: float = param("nats/token", typical=(0.2, 2), doc="loss left at infinite N and steps")
    N_c: float = param("params", typical=(1e8, 1e11), doc="where size leaves 1 nat/token")
    S_c: float = param("steps", typical=(3e2, 3e4), doc="where steps leave 1 nat/token")
    alpha_N: float = param("1", typical=(0.05, 0.4), bounds=(0, 2))
    alpha_S: float = param("1", typical=(0.4, 1.2), bounds=(0, 3))
    B_star: float = param("tokens", typical=(1e7, 1e9), doc="critical batch at 1 nat/token")
    power: float = param("1", typical=(2, 6), bounds=(0, 20), doc="of the loss in B_crit")

    def __call__(self, N: Array, steps: Array, batch: Array) -> Array:
        # In u = log L the law is u = log(a + e^(s + alpha_S softplus(b - power u))). The right
        # side is convex, so Newton's method on the difference, started below the root, where the
        # batch is infinite, rises to it and never passes it.
        above = self.E + (self.N_c / N) ** self.alpha_N
        s = self.alpha_S * np.log(self.S_c / steps)
        b = np.log(self.B_star / batch)
        u = np.log(above + np.exp(s))
        for _ in range(PASSES):
            w = b - self.power * u
            more = np.maximum(w, 0) + np.log1p(np.exp(-np.maximum(w, -w)))
            late = np.exp(s + self.alpha_S * more)
            right = above + late
            small = np.exp(w - more)  # the share of steps that a larger batch would save
            slope = 1 + self.alpha_S * self.power * small * late / right
            u = u - (u - np.log(right)) / slope
        return np.exp(u)

    @closed_form("N")
    def params_for(self, L: Array, steps: Array, batch: Array) -> Array:
        """Return the N [params] that reaches loss L [nats/token]."""
        needed = self.S_c * (1 + self.B_star / L**self.power / batch)
        return self.N_c / (L - self.E - (needed / steps) ** self.alpha_S) ** (1 / self.alpha_N)

    @closed_form("steps")
    def steps_for(self, L: Array, N: Array, batch: Array) -> Array:
        """Return the steps in which N [params] reaches loss L [nats/token] at a batch [tokens]."""
        return self._fewest(L, N) * (1 + self.B_star / L**self.power / batch)

    @closed_form("batch")
    def batch_for(self, L: Array, N: Array, steps: Array) -> Array:
        """Return the batch [tokens] at which N [params] reaches loss L [nats/token] in `steps`."""
        return self.B_star / L**self.power / (steps / self._fewest(L, N) - 1)

    def _fewest(self, L: Array, N: Array) -> Array:
        """Return the steps [steps] to loss L at an infinite batch."""
        by_steps = L - self.E - (self.N_c / N) ** self.alpha_N
        return self.S_c / by_steps ** (1 / self.alpha_S)


published(
    "kaplan2020",
    LearningCurveAtBatch(
        E=0.0,
        N_c=6.5e13,
        S_c=2.1e3,
        alpha_N=0.077,
        alpha_S=0.76,
        B_star=2.1e8,
        power=1 / 0.21,
    ),
    source="arXiv:2001.08361, table 3 and eq. 5.3 (WebText2)",
    conventions={"N": "non-embedding", "L": "nats/token"},
    valid={"N": (768, 1.5e9)},
    caution="holds after warm-up, and on fresh data",
)
