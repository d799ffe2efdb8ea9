"""Coverage where pass rates are Beta up to a highest rate, by quadrature."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.law import Array, Law, param

# Nodes of x in (0, 1): x = 1 / (1 + exp(-pi sinh t)), which presses them towards both ends.
_T = np.linspace(-4.2, 4.2, 85)
_LOG_X, _LOG_REST = (-np.logaddexp(0, sign * np.pi * np.sinh(_T)) for sign in (-1, 1))
_LOG_STEP = np.log(np.cosh(_T))
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(64)


class ScaledBeta(Law):
    r"""coverage(k) = 1 - E[(1 - highest x)^k], x ~ Beta(alpha, beta).

    No pass rate exceeds `highest`; at 1 it is the beta-binomial. The rest falls as k^-alpha.
    """

    key = "scaled-beta"
    predicts = "coverage"
    source = "Schaeffer et al. 2025, arXiv:2502.17578, section 4: a Beta of three parameters"
    residuals = "linear"
    homogeneous = False

    alpha: float = param("1", typical=(0.15, 0.6), bounds=(0.02, 20), doc="weight near p = 0")
    beta: float = param("1", typical=(1.2, 6), bounds=(0.1, 500))
    highest: float = param("1", typical=(0.05, 0.9), bounds=(0, 1))

    def __call__(self, k: Array) -> Array:
        total, never = 0.0, 0.0
        for log_x, log_rest, log_step in zip(_LOG_X, _LOG_REST, _LOG_STEP, strict=True):
            w = np.exp(self.alpha * log_x + self.beta * log_rest + log_step)
            total = total + w
            rate = np.minimum(self.highest * np.exp(log_x), 1 - 1e-15)
            never = never + w * np.expm1(k * np.log1p(-rate))
        return -never / total

    def log_mass(self, solved: Any, attempts: Any) -> Any:
        """Return the log chance (s, p) of `solved` right of `attempts`, both (p,)."""
        solved, attempts = np.broadcast_arrays(
            np.asarray(solved, float), np.asarray(attempts, float)
        )
        nodes = [np.asarray(v)[..., None] for v in (self.alpha, self.beta, self.highest)]
        none = solved == 0
        n, back = np.unique(attempts[none], return_inverse=True)
        mass = np.empty(np.broadcast(self.alpha, self.beta, self.highest, solved).shape)
        mass[..., none] = _log_none(n, *nodes)[..., back.ravel()]
        mass[..., ~none] = _log_some(solved[~none], attempts[~none], *nodes)
        return mass


def _log_none(n: Any, a: Any, b: Any, h: Any) -> Any:
    w = np.exp(a * _LOG_X + b * _LOG_REST + _LOG_STEP)
    log_wrong = np.log1p(-np.minimum(h * np.exp(_LOG_X), 1 - 1e-15))
    return np.log(np.maximum((w * np.exp(n[:, None] * log_wrong)).sum(-1) / w.sum(-1), 1e-300))


def _log_some(c: Any, n: Any, a: Any, b: Any, h: Any) -> Any:
    from scipy.special import betaincinv, betaln

    # Gauss-Legendre in log p, between the ends of where c of n is likely.
    low = np.log(np.maximum(betaincinv(c, n - c + 1, 1e-12), 1e-12 / n)) - 3 / c
    high = np.log(betaincinv(c + 1, np.maximum(n - c, 0.5), 1 - 1e-12))
    top = np.minimum(high, np.log(h[..., 0]))
    span = np.maximum(top - low, 1e-12)[..., None]
    u = np.minimum(low, top)[..., None] + span * (_NODE + 1) / 2
    log_w = (b - 1) * np.log1p(-np.minimum(np.exp(u) / h, 1 - 1e-12)) + (c[:, None] + a) * u
    log_w += (n - c)[:, None] * np.log1p(-np.minimum(np.exp(u), 1 - 1e-15))
    most = log_w.max(-1, keepdims=True)
    total = np.log((np.exp(log_w - most) * _WEIGHT * span / 2).sum(-1)) + most[..., 0]
    log_ways = -np.log1p(n) - betaln(n - c + 1, c + 1)
    return total + log_ways - (betaln(a, b) + a * np.log(h))[..., 0]
