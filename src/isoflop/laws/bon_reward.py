"""Gold reward of best-of-n by a proxy: a parabola in root KL."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param


class BonReward(Law):
    r"""R(d) = d (alpha_R - beta_R d).

    R is the gain over the initial policy and d the root of the KL from it. Exact for a proxy and
    a gold that are jointly Gaussian but for a gold that is quadratic in what the proxy reads.
    No number is shipped: the paper prints none.
    """

    key = "bon-reward"
    predicts = "R"
    source = "Gao, Schulman and Hilton 2022, arXiv:2210.10760, the form for best-of-n"
    residuals = "linear"

    alpha_R: float = param(
        "reward * sqrt(nats)^-1", typical=(0.5, 2), bounds=(-np.inf, np.inf), doc="slope at no KL"
    )
    beta_R: float = param(
        "reward * sqrt(nats)^-2",
        typical=(0.05, 0.4),
        bounds=(-np.inf, np.inf),
        doc="how fast the slope falls",
    )

    def __call__(self, d: Array) -> Array:
        return d * (self.alpha_R - self.beta_R * d)

    @closed_form("d")
    def distance_for(self, R: Array) -> Array:
        """Return the nearest d [sqrt(nats)] at which the gain is R; NaN above the peak."""
        with np.errstate(invalid="ignore", divide="ignore"):
            root = np.sqrt(self.alpha_R**2 - 4 * self.beta_R * R)
            near = 2 * R / (self.alpha_R + root)
            return np.where(near >= 0, near, (self.alpha_R + root) / (2 * self.beta_R))

    def peak_at(self) -> Array:
        """Return d* [sqrt(nats)], where the gain is largest; infinite if it never falls."""
        with np.errstate(divide="ignore", invalid="ignore"):
            d = np.maximum(self.alpha_R, 0) / (2 * np.asarray(self.beta_R))
        return np.where(np.asarray(self.beta_R) > 0, d, np.inf)

    def peak(self) -> Array:
        """Return R* = alpha_R^2 / 4 beta_R, the gain at the peak."""
        d = self.peak_at()
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(d), d * self.alpha_R / 2, np.inf)

    def zero(self) -> Array:
        """Return the d [sqrt(nats)] at which all gain is lost; infinite if it never is."""
        return 2 * self.peak_at()
