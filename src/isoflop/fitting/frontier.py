"""The best N and D as power laws of C, with the budgets that they were drawn through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.law import Allocation
from isoflop.report.display import Displayed
from isoflop.runs import Runs


@dataclass(frozen=True, eq=False)
class OptimumFrontier(Displayed):
    """N* and D* as straight lines in log C, through the best splits N, D (b,) found at C (b,).

    Rows of `lines` (s + 1, 4) are log N* and its slope a, log D* and its slope b, at C_0; row 0
    is the answer, the others its draws.
    """

    C: Numbers
    N: Numbers
    D: Numbers
    C_0: float
    lines: Numbers

    def split(self, C: float) -> Allocation:
        """Return N* [params] and D* [tokens] at C [FLOP]: (s + 1,) each, the answer first."""
        far = np.log(C / self.C_0)
        log_N, a, log_D, b = self.lines.T
        return Allocation(N=np.exp(log_N + a * far), D=np.exp(log_D + b * far))

    @property
    def a(self) -> Numbers:
        """The exponent of N* in C (s + 1,), the answer first."""
        return np.asarray(self.lines[:, 1])

    @property
    def b(self) -> Numbers:
        """The exponent of D* in C (s + 1,), the answer first."""
        return np.asarray(self.lines[:, 3])


def through(
    C: Numbers, log_N_sb: Numbers, log_D_sb: Numbers, sd: Numbers | None = None
) -> OptimumFrontier:
    """Return the lines through splits (s + 1, b) at C (b,); row 0 is the answer, NaN is left out.

    `sd` (b,) is that of log N: splits then weigh 1/sd^2, and where they scatter about their line
    by more than that, the draws are spread by as much.
    """
    log_C = np.log(C)
    weights = np.ones(C.size)
    if sd is not None and sd.max() > 0:
        weights = 1 / np.maximum(sd, 1e-3 * sd.max()) ** 2
    centre = float((weights * log_C).sum() / weights.sum())
    sides = [(_lines(log_C - centre, y_sb, weights), y_sb[0]) for y_sb in (log_N_sb, log_D_sb)]
    if sd is not None and sd.max() > 0 and C.size > 2:
        for lines, y in sides:
            residuals = y - lines[0] @ np.stack([np.ones(C.size), log_C - centre])
            ratio = float(np.sqrt((weights * residuals**2).sum() / (C.size - 2)))
            lines[1:] = lines[0] + max(ratio, 1.0) * (lines[1:] - lines[0])
    lines = np.hstack([lines for lines, _ in sides])
    lines = lines[np.isfinite(lines).all(1)]
    return OptimumFrontier(
        C, np.exp(log_N_sb[0]), np.exp(log_D_sb[0]), float(np.exp(centre)), lines
    )


def compute(runs: Runs) -> Numbers:
    """Return the compute of each run (n,) [FLOP]: its column C, or 6ND where there is none."""
    runs.require(("N", "D", "L"))
    if "C" not in runs:
        return np.asarray(6 * runs["N"] * runs["D"])
    runs.require(("C",))
    return runs["C"]


def _lines(x_b: Numbers, y_sb: Numbers, weights_b: Numbers) -> Numbers:
    """Return height and slope at x = 0 (s, 2) of the weighted line through each row."""
    w_sb = np.where(np.isfinite(y_sb), weights_b, 0.0)
    y_sb = np.where(np.isfinite(y_sb), y_sb, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = w_sb.sum(1)
        x, y = (w_sb @ x_b) / total, (w_sb * y_sb).sum(1) / total
        away_sb = x_b - x[:, None]
        spread = (w_sb * away_sb**2).sum(1)
        slope = (w_sb * away_sb * y_sb).sum(1) / np.where(spread > 0, spread, np.nan)
        return np.column_stack([y - slope * x, slope])
