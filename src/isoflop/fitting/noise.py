"""What the residuals of a fit say of its noise, whatever the objective.

Suffixes: s rows, p free parameters, n runs, k nodes of a quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.fitting.objective import Objective
from isoflop.fitting.problem import FitProblem

EXACT = 1e-8  # of the objective of a billionth: runs that the law holds to the last digits

_NODES = np.array([NormalDist().inv_cdf((i + 0.5) / 41) for i in range(41)])


@dataclass(frozen=True, eq=False)
class Noise:
    """The residuals r_n at an optimum, how they pull on it, and how far a fit follows each run.

    `curvature` is the mean second derivative of the objective, `pull` the mean square of its
    slope: for least squares 1 and the variance. `hat_np` times `slopes_pn` is the hat matrix.
    `covariance_pp` is that of the parameters, in the solver's coordinates.
    """

    r_n: Numbers
    slope_n: Numbers
    hat_np: Numbers
    slopes_pn: Numbers
    curvature: float
    pull: float
    covariance_pp: Numbers

    def clustered_pp(self, clusters: npt.NDArray[np.generic]) -> Numbers:
        """Return the covariance of the parameters where the runs of a cluster share their luck.

        Source: Liang and Zeger 1986, Biometrika 73(1); widened for k clusters by k / (k - 1).
        """
        member = np.unique(clusters, return_inverse=True)[1].reshape(-1)
        count = int(member.max()) + 1
        moved_kp = np.zeros((count, self.hat_np.shape[1]))
        np.add.at(moved_kp, member, self.hat_np * self.slope_n[:, None])
        wider = count / max(count - 1, 1) / max(self.curvature, 1e-12) ** 2
        return np.asarray(moved_kp.T @ moved_kp * wider)

    def alone_n(self, clusters: npt.NDArray[np.generic]) -> Numbers:
        """Return the residual of each run (n,), had its cluster been left out, to first order.

        A robust fit runs through as many points as it has parameters, whose residuals are then
        zero; and a cluster draws the fit to itself. Drawn as they are, residuals would make the
        noise too small.
        Source: Feng, He and Hu 2011, Biometrika 98(4), section 3; MacKinnon and White 1985 (HC3).
        """
        moved_n = np.zeros_like(self.r_n)
        for name in np.unique(clusters):
            inside = np.flatnonzero(clusters == name)
            rest = np.eye(inside.size) - self.hat_np[inside] @ self.slopes_pn[:, inside]
            pulled = np.linalg.lstsq(rest, self.slope_n[inside], rcond=1e-3)[0]
            moved_n[inside] = pulled - self.slope_n[inside]
        return np.asarray(self.r_n + moved_n / max(self.curvature, 1e-12))


def noise(problem: FitProblem, z_p: Numbers, weights_n: Numbers, objective: Objective) -> Noise:
    """Return what the residuals at the optimum z_p say."""
    r_sn, J_spn = problem.residuals(z_p[None])
    r_n, J_pn = r_sn[0], J_spn[0]
    slope_n = objective.slope(r_n)
    inverse_pp = np.linalg.pinv((J_pn * weights_n) @ J_pn.T, rcond=1e-14, hermitian=True)
    curvature = _smooth_curvature(objective, r_n, problem.rounding)
    pull = float((weights_n * slope_n**2).sum()) / max(r_n.size - z_p.size, 1)
    # Runs without noise leave rounding, of which nothing is to be learnt.
    pull = max(pull, float(objective.slope(np.array(problem.rounding)) ** 2))
    return Noise(
        r_n=r_n,
        slope_n=slope_n,
        hat_np=(J_pn * weights_n).T @ inverse_pp,
        slopes_pn=J_pn,
        curvature=curvature,
        pull=pull,
        covariance_pp=inverse_pp * pull / max(curvature, 1e-12) ** 2,
    )


def rounding_value(problem: FitProblem, weights_n: Numbers, objective: Objective) -> float:
    """Return the objective of residuals that are a billionth of the output."""
    return float((weights_n * objective.loss(np.full_like(weights_n, problem.rounding))).sum())


def _smooth_curvature(objective: Objective, r_n: Numbers, least: float) -> float:
    """Return the mean second derivative of the objective over the density of the residuals.

    At a delta far below the noise few residuals lie where the objective curves at all, so their
    density is smoothed, by Silverman's rule on a spread that outliers do not move.
    """
    spread = 1.4826 * float(np.median(np.abs(r_n - np.median(r_n)))) or least
    width = max(1.06 * spread * r_n.size**-0.2, least)
    return float(objective.curvature(r_n[:, None] + width * _NODES).mean())
