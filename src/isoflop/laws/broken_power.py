"""A power law whose slope changes once: what bends in logs, and where it bends."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, param


class BrokenPower(Law):
    r"""y(x) = E + A x^-alpha [1 + (x / x_break)^(1/width)]^(-bend width).

    The exponent is alpha well before the break and alpha + bend well after it. A break that lies
    outside the runs, or has fewer than three of them on one side, is not there.
    """

    key = "broken-power"
    predicts = "y"
    source = "Caballero et al. 2022, arXiv:2210.14891, eq. 1 with one break"

    E: float = param("y", typical=(0.1, 3), doc="what is left at infinite x")
    A: float = param("y * x^alpha", typical=(1, 1e3), doc="amplitude before the break")
    alpha: float = param("1", typical=(0.05, 0.6), bounds=(-3, 3), doc="exponent before the break")
    x_break: float = param("x", typical=(1e5, 1e7), doc="where the exponent changes")
    bend: float = param("1", typical=(-0.4, 0.8), bounds=(-3, 3), doc="change of the exponent")
    width: float = param(
        "1", typical=(0.2, 1), bounds=(0.05, 5), doc="over how many factors e of x it changes"
    )

    def __call__(self, x: Array) -> Array:
        passed = np.log1p((x / self.x_break) ** (1 / self.width))
        return self.E + self.A / x**self.alpha * np.exp(-self.bend * self.width * passed)
