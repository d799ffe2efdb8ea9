"""Coverage where pass rates are Beta among the problems that can be solved at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.law import Array, Law, param

SHIFT = 8  # arguments are raised by so much before Stirling's series


class BetaBinomial(Law):
    r"""coverage(k) = (1 - unsolvable) (1 - B(alpha, beta + k) / B(alpha, beta)).

    A share `unsolvable` is never solved; fix it at 0 for the plain beta-binomial. For many
    samples what is left falls as k^-alpha.
    """

    key = "beta-binomial"
    predicts = "coverage"
    source = "Kazdan et al. 2025, arXiv:2510.05197; with unsolvable, a zero-inflated form of it"
    residuals = "linear"
    homogeneous = False

    alpha: float = param("1", typical=(0.15, 0.6), bounds=(0, np.inf), doc="weight near p = 0")
    beta: float = param("1", typical=(2, 30), bounds=(0, np.inf))
    unsolvable: float = param("1", typical=(0.02, 0.2), bounds=(0, 1))

    def __call__(self, k: Array) -> Array:
        log_none = _log_ratio(self.beta, self.alpha, k)
        return -(1 - self.unsolvable) * np.expm1(log_none)

    def log_mass(self, solved: Any, attempts: Any) -> Any:
        """Return the log chance of `solved` right of `attempts`, their order ignored."""
        from scipy.special import betaln, gammaln

        ways = gammaln(attempts + 1) - gammaln(solved + 1) - gammaln(attempts - solved + 1)
        able = betaln(self.alpha + solved, self.beta + attempts - solved)
        able = able - betaln(self.alpha, self.beta) + ways + np.log1p(-self.unsolvable)
        with np.errstate(divide="ignore"):
            never = np.where(solved == 0, np.log(self.unsolvable), -np.inf)
        return np.logaddexp(able, never)


def _log_ratio(beta: Array, alpha: Array, k: Array) -> Array:
    """Return log B(alpha, beta + k) - log B(alpha, beta), for duals too."""
    return (
        _log_gamma(beta + k)
        - _log_gamma(beta)
        + _log_gamma(alpha + beta)
        - _log_gamma(alpha + beta + k)
    )


def _log_gamma(x: Array) -> Array:
    """Return log Gamma(x) by Stirling's series at x + 8, to 1e-14, less a constant."""
    risen = 1.0
    for i in range(SHIFT):
        risen = risen * (x + i)
    z = x + SHIFT
    s = 1 / (z * z)
    series = (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / z
    return (z - 0.5) * np.log(z) - z + series - np.log(risen)
