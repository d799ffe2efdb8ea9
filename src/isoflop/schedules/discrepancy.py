"""What a law or a template leaves of a curve: a slow wander in the log of time, and noise.

Residuals of curves are no independent scatter: neighbours share their sign (autocorrelations of
.7 to .99 were measured), so that a hundred points say little more than a few. A Gaussian process
with an exponential kernel in log step says how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isoflop.arrays import Numbers

# Chosen on the curves of Luo et al. 2025 (25M, 100M) and on GPTs of isoflop's own (width 24 to 64).
WANDER, LENGTH = 0.002, 10.0  # sd of log loss, and the length in log steps over which it is one
NOISE = 0.002  # least sd of one evaluation, in log loss


@dataclass(frozen=True, eq=False)
class Discrepancy:
    """The covariance of residuals at steps (n,), with the noise of one evaluation."""

    steps: Numbers
    noise: float = NOISE

    @cached_property
    def covariance(self) -> Numbers:
        """The covariance (n, n) of residuals of log loss."""
        wander = _kernel(self.steps, self.steps)
        return np.asarray(wander + self.noise**2 * np.eye(self.steps.size))

    @cached_property
    def _factor(self) -> Numbers:
        return np.asarray(np.linalg.cholesky(self.covariance), np.float64)

    def whitened(self, values: Numbers) -> Numbers:
        """Return values (n,) or (n, p) divided by the root of the covariance."""
        return np.asarray(np.linalg.solve(self._factor, values))

    def at(self, step: float) -> Numbers:
        """Return the covariance (n,) of the wander at another step with those at these."""
        return np.asarray(_kernel(np.array([step]), self.steps)[0])

    def gain(self, step: float) -> Numbers:
        """Return by how much each residual moves what is expected at another step (n,)."""
        return np.asarray(np.linalg.solve(self.covariance, self.at(step)))


def noise_of(log_loss: Numbers) -> float:
    """Return the sd of one evaluation from second differences, which see no trend; robust."""
    if log_loss.size < 5:
        return NOISE
    second = np.diff(log_loss, 2)
    return max(NOISE, float(1.4826 * np.median(np.abs(second - np.median(second))) / 6**0.5))


def _kernel(x: Numbers, y: Numbers) -> Numbers:
    apart = np.abs(np.log(x)[:, None] - np.log(y)[None, :])
    return np.asarray(WANDER**2 * np.exp(-apart / LENGTH))
