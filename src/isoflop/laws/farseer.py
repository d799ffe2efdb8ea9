"""A law whose floor, data amplitude and data exponent all change with size."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param


class Farseer(Law):
    r"""L(N, D) = exp(a3 N^c3 + b3) + exp(a2 N^c2 + b2) / D^exp(a1 N^c1 + b1).

    At every size it is a power law in D, whose floor, amplitude and exponent are stretched
    exponentials of N. D counts single tokens: with another unit it is another family. No
    constants come with it: fit your own. Nine parameters need a grid of many sizes and many D,
    and beyond it the loss may rise with N, which forecasts and plans must be checked for.
    """

    key = "farseer"
    predicts = "L"
    source = "Li et al. 2025, arXiv:2506.10972; c1, c2, c3 are its alpha, beta, gamma"
    homogeneous = False  # D^-exp(...) cannot absorb a change of the unit of D

    a1: float = param("params^-c1", typical=(-0.3, -0.03), bounds=(-np.inf, np.inf))
    b1: float = param("1", typical=(-0.5, 0.8), bounds=(-np.inf, np.inf), doc="of the exponent")
    c1: float = param("1", typical=(0.05, 0.2), bounds=(0, 1))
    a2: float = param("params^-c2", typical=(10, 120), bounds=(-np.inf, np.inf))
    b2: float = param("1", typical=(-8, 2), bounds=(-np.inf, np.inf), doc="of the amplitude")
    c2: float = param("1", typical=(-0.2, -0.05), bounds=(-1, 0))
    a3: float = param("params^-c3", typical=(-0.05, -0.01), bounds=(-np.inf, np.inf))
    b3: float = param("1", typical=(-0.2, 1), bounds=(-np.inf, np.inf), doc="of the floor")
    c3: float = param("1", typical=(0.05, 0.2), bounds=(0, 1))

    def __call__(self, N: Array, D: Array) -> Array:
        exponent = np.exp(self.a1 * N**self.c1 + self.b1)
        floor = np.exp(self.a3 * N**self.c3 + self.b3)
        return floor + np.exp(self.a2 * N**self.c2 + self.b2 - exponent * np.log(D))

    @closed_form("D")
    def tokens_for(self, L: Array, N: Array) -> Array:
        """Return the D [tokens] that brings N [params] to loss L [nats/token]."""
        exponent = np.exp(self.a1 * N**self.c1 + self.b1)
        floor = np.exp(self.a3 * N**self.c3 + self.b3)
        return np.exp((self.a2 * N**self.c2 + self.b2 - np.log(L - floor)) / exponent)
