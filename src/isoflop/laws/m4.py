"""A power law between a floor and a ceiling: error rates that start at the level of a guess."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param

STEPS = 8  # of Newton's method, from a start on the side from which it never overshoots


class M4(Law):
    r"""(y - E) / (E + A - y)^bend = b x^-alpha, with b = A^(1 - bend) x_0^alpha.

    y falls from the ceiling E + A at small x to the floor E at large x; its share u of the way
    solves u / (1 - u)^bend = (x_0 / x)^alpha. With bend = 0 it is a power law without a ceiling.
    """

    key = "m4"
    predicts = "y"
    source = "Alabdulmohsin, Neyshabur and Zhai 2022, arXiv:2209.06640, estimator M4"

    E: float = param("y", typical=(0.05, 0.4), doc="what is left at infinite x")
    A: float = param("y", typical=(0.4, 2), doc="from the floor to the ceiling, a random guess")
    x_0: float = param("x", typical=(1e4, 1e7), doc="where y has left the ceiling")
    alpha: float = param("1", typical=(0.1, 0.8), bounds=(0, 3))
    bend: float = param("1", typical=(0.3, 2), bounds=(0.01, 10), doc="how y leaves the ceiling")

    def __call__(self, x: Array) -> Array:
        # With w = log(u / (1 - u)) the law reads w + (bend - 1) log(1 + e^w) = s. The left side
        # lies between its asymptotes and is convex or concave throughout, so that Newton's method
        # started on the asymptote closes in from one side.
        s = self.alpha * np.log(self.x_0 / x)
        w = np.minimum(s, 0) + np.maximum(s, 0) / self.bend
        for _ in range(STEPS):
            tail = np.exp(-np.maximum(w, -w))
            high = np.maximum(w, 0) + np.log1p(tail)
            share = np.exp(w - high)
            w = w - (w + (self.bend - 1) * high - s) / (1 + (self.bend - 1) * share)
        return self.E + self.A / (1 + np.exp(-w))

    @closed_form("x")
    def input_for(self, y: Array) -> Array:
        """Return the x at which the law gives y."""
        u = (y - self.E) / self.A
        return self.x_0 * ((1 - u) ** self.bend / u) ** (1 / self.alpha)
