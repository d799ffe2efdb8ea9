"""Loss over learning rate and batch: a bowl in logs, whose bottom moves with size and data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from isoflop.law import Array, Law, param


class Best(NamedTuple):
    """The bottom of the bowl, and how far from it, as factors, the loss stays within a share."""

    lr: Array
    batch: Array
    lr_factor: Array
    batch_factor: Array


class RateBatchSurface(Law):
    r"""L(N, D, lr, batch) = (E + A / N^alpha + B / D^beta) exp(u^2 + v^2 + 2 tilt u v).

    Here u = bend_lr log(lr / lr*) and v = bend_batch log(batch / batch*), with
    lr* = lr_scale N^lr_by_N D^lr_by_D and batch* = batch_scale N^batch_by_N D^batch_by_D.
    Give it whole sweeps, less runs that diverged: leaving runs out by their loss bends the bowl.
    """

    key = "rate-batch-surface"
    predicts = "L"
    source = (
        "second-order response surface (Box and Wilson 1951) about the powers of Li et al. 2025, "
        "arXiv:2503.04715, eq. 1"
    )

    E: float = param("nats/token", typical=(0.5, 2.5), doc="loss left at infinite N and D")
    A: float = param("nats/token * params^alpha", typical=(1e1, 1e4))
    B: float = param("nats/token * tokens^beta", typical=(1e1, 1e5))
    alpha: float = param("1", typical=(0.1, 0.6), bounds=(0, 2))
    beta: float = param("1", typical=(0.1, 0.6), bounds=(0, 2))
    lr_scale: float = param("params^-lr_by_N * tokens^-lr_by_D", typical=(0.1, 10))
    lr_by_N: float = param("1", typical=(-0.8, -0.1), bounds=(-2, 2))
    lr_by_D: float = param("1", typical=(-0.2, 0.4), bounds=(-2, 2))
    batch_scale: float = param(
        "params^-batch_by_N * tokens * tokens^-batch_by_D", typical=(0.1, 10)
    )
    batch_by_N: float = param("1", typical=(-0.2, 0.3), bounds=(-2, 2))
    batch_by_D: float = param("1", typical=(0.3, 0.7), bounds=(-2, 2))
    bend_lr: float = param("1", typical=(0.05, 0.15), doc="root of half the curvature in log lr")
    bend_batch: float = param("1", typical=(0.03, 0.1), doc="the same in log batch")
    tilt: float = param("1", typical=(-0.7, -0.1), bounds=(-0.99, 0.99), doc="how lr and batch go")

    def __call__(self, N: Array, D: Array, lr: Array, batch: Array) -> Array:
        floor = self.E + self.A / N**self.alpha + self.B / D**self.beta
        bottom_lr, bottom_batch = self._bottom(N, D)
        u = self.bend_lr * (np.log(lr) - bottom_lr)
        v = self.bend_batch * (np.log(batch) - bottom_batch)
        return floor * np.exp(u * u + v * v + 2 * self.tilt * u * v)

    def best(self, N: Array, D: Array, within: float = 0.0025) -> Best:
        """Return the best lr and batch [tokens], and the factors within `within` of its loss.

        The factors are the ends of the region of that loss, whatever the other of the two.
        """
        bottom_lr, bottom_batch = self._bottom(N, D)
        reach = np.sqrt(np.log1p(within) / (1 - self.tilt**2))
        return Best(
            np.exp(bottom_lr),
            np.exp(bottom_batch),
            np.exp(reach / self.bend_lr),
            np.exp(reach / self.bend_batch),
        )

    def _bottom(self, N: Array, D: Array) -> tuple[Array, Array]:
        n, d = np.log(N), np.log(D)
        return (
            np.log(self.lr_scale) + self.lr_by_N * n + self.lr_by_D * d,
            np.log(self.batch_scale) + self.batch_by_N * n + self.batch_by_D * d,
        )
