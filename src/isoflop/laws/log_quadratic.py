"""The response surface: all that is believed is that log loss bends smoothly in log N, log D."""

from __future__ import annotations

import numpy as np

from isoflop.law import Allocation, Array, Law, closed_form, param

N_REF, D_REF = 1e9, 2e10  # params, tokens: where L_ref, alpha and beta are meant


class LogQuadratic(Law):
    r"""L(N, D) = L_ref exp(-alpha n - beta d + bend_N n^2 + bend_D d^2 + bend_ND n d).

    Here n = ln(N / 1e9) and d = ln(D / 2e10). It has no floor and rises again far out, so it says
    nothing beyond the runs; among them it shows what the other forms miss.
    """

    key = "log-quadratic"
    predicts = "L"
    source = "Box and Wilson 1951, second-order response surface, in logarithms"
    homogeneous = False  # its reference point is part of the form

    L_ref: float = param("nats/token", typical=(1.5, 5), doc="loss of 1e9 params on 2e10 tokens")
    alpha: float = param("1", typical=(0.02, 0.1), bounds=(-3, 3), doc="slope in N there")
    beta: float = param("1", typical=(0.02, 0.1), bounds=(-3, 3), doc="slope in D there")
    bend_N: float = param("1", typical=(0.002, 0.01), bounds=(-np.inf, np.inf))
    bend_D: float = param("1", typical=(0.002, 0.01), bounds=(-np.inf, np.inf))
    bend_ND: float = param("1", typical=(-0.004, 0.003), bounds=(-np.inf, np.inf))

    def __call__(self, N: Array, D: Array) -> Array:
        n, d = np.log(N / N_REF), np.log(D / D_REF)
        along_N = (self.bend_N * n + self.bend_ND * d - self.alpha) * n
        return self.L_ref * np.exp(along_N + (self.bend_D * d - self.beta) * d)

    @closed_form("optimum")
    def optimum(self, C: Array) -> Allocation:
        """Return the N and D that minimise loss at C = 6ND [FLOP]; NaN where it bends down."""
        K = np.log(C / 6 / (N_REF * D_REF))
        bend = self.bend_N + self.bend_D - self.bend_ND
        slope = self.alpha - self.beta + (2 * self.bend_D - self.bend_ND) * K
        with np.errstate(divide="ignore", invalid="ignore"):
            N = N_REF * np.exp(np.where(bend > 0, slope / (2 * bend), np.nan))
        return Allocation(N=N, D=C / 6 / N)
