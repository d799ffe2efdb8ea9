"""A law whose floor, data amplitude and data exponent all change with size."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param

N_REF, D_REF = 1e9, 2e10  # params, tokens: where E_ref, G_ref and beta_ref are meant
ANY = (-np.inf, np.inf)


class Farseer(Law):
    r"""L(N, D) = exp(a3 N^c3 + b3) + exp(a2 N^c2 + b2) / D^exp(a1 N^c1 + b1).

    A power law in D at every size, whose floor, amplitude and exponent are X_ref exp(slope
    [(N / 1e9)^bend - 1] / bend), so that c = bend and a = slope / bend / 1e9^bend. D counts single
    tokens: in another unit it is another family. It comes without constants: fit your own, to a
    grid of many N and D. Beyond that grid the loss may rise with N, which plans must check.
    """

    key = "farseer"
    predicts = "L"
    source = "Li et al. 2025, arXiv:2506.10972; c1, c2, c3 are its alpha, beta, gamma"
    homogeneous = False  # D^-exp(...) cannot absorb a change of the unit of D

    E_ref: float = param("nats/token", typical=(0.5, 3), doc="floor of 1e9 params")
    slope_E: float = param("1", typical=(-0.15, -0.01), bounds=ANY, doc="of log floor in log N")
    bend_E: float = param("1", typical=(0.02, 0.25), bounds=(-1, 1))
    G_ref: float = param("nats/token", typical=(0.1, 1), doc="above the floor, after 2e10 tokens")
    slope_B: float = param("1", typical=(-3, -0.2), bounds=ANY, doc="of log amplitude in log N")
    bend_B: float = param("1", typical=(-0.25, -0.02), bounds=(-1, 1))
    beta_ref: float = param("1", typical=(0.2, 0.6), bounds=(0, 2), doc="exponent of 1e9 params")
    slope_beta: float = param("1", typical=(-0.2, -0.01), bounds=ANY, doc="of its log in log N")
    bend_beta: float = param("1", typical=(0.02, 0.25), bounds=(-1, 1))

    def __call__(self, N: Array, D: Array) -> Array:
        floor, amplitude, beta = self._at(N)
        return floor + amplitude * np.exp(self.beta_ref * np.log(D_REF) - beta * np.log(D))

    def _at(self, N: Array) -> tuple[Array, Array, Array]:
        """Return the floor, the amplitude in units of D_REF^beta_ref, and the exponent at N."""
        n = np.log(N / N_REF)
        floor = self.E_ref * np.exp(self.slope_E * np.expm1(self.bend_E * n) / self.bend_E)
        amplitude = self.G_ref * np.exp(self.slope_B * np.expm1(self.bend_B * n) / self.bend_B)
        grown = np.expm1(self.bend_beta * n) / self.bend_beta
        return floor, amplitude, self.beta_ref * np.exp(self.slope_beta * grown)

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        floor, amplitude, beta = self._at(N)
        log_ratio = np.log(amplitude / (L - floor))
        return np.exp((self.beta_ref * np.log(D_REF) + log_ratio) / beta)
