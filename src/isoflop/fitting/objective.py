"""What a fit minimises: a sum over runs of a loss of the residual r = prediction - observation.

Each objective gives the loss and its first derivative (`slope`), the weight slope/r that
reweighted least squares uses far from the optimum, and the second derivative (`curvature`, cut
at zero) that Newton's step uses near it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from isoflop.errors import UnknownName, UsageError

Residuals = npt.NDArray[np.float64]


class Objective(Protocol):
    """A loss of residuals; `delta` is its scale, None where it has none."""

    name: ClassVar[str]

    @property
    def delta(self) -> float | None:
        """The residual at which the loss changes character."""

    def loss(self, r: Residuals) -> Residuals:
        """Return the loss of each residual."""

    def slope(self, r: Residuals) -> Residuals:
        """Return the derivative of the loss."""

    def weight(self, r: Residuals) -> Residuals:
        """Return slope / r."""

    def curvature(self, r: Residuals) -> Residuals:
        """Return the second derivative of the loss, at least zero."""


@dataclass(frozen=True, slots=True)
class Huber:
    """Squared within `delta`, linear beyond: Hoffmann et al. 2022, section D.3 (delta 1e-3)."""

    name: ClassVar[str] = "huber"
    delta: float = 1e-3

    def loss(self, r: Residuals) -> Residuals:
        """Return r^2/2 within delta, delta (|r| - delta/2) beyond."""
        size = np.abs(r)
        inside = np.minimum(size, self.delta)
        return np.asarray(inside * (size - 0.5 * inside))

    def slope(self, r: Residuals) -> Residuals:
        """Return r, cut at plus and minus delta."""
        return np.clip(r, -self.delta, self.delta)

    def weight(self, r: Residuals) -> Residuals:
        """Return 1 within delta, delta/|r| beyond."""
        return np.asarray(self.delta / np.maximum(np.abs(r), self.delta))

    def curvature(self, r: Residuals) -> Residuals:
        """Return 1 within delta, 0 beyond."""
        return np.asarray((np.abs(r) <= self.delta) * 1.0)


@dataclass(frozen=True, slots=True)
class Squared:
    """Least squares: r^2/2."""

    name: ClassVar[str] = "squared"
    delta: ClassVar[None] = None

    def loss(self, r: Residuals) -> Residuals:
        """Return r^2/2."""
        return 0.5 * r * r

    def slope(self, r: Residuals) -> Residuals:
        """Return r."""
        return r

    def weight(self, r: Residuals) -> Residuals:
        """Return 1."""
        return np.ones_like(r)

    def curvature(self, r: Residuals) -> Residuals:
        """Return 1."""
        return np.ones_like(r)


@dataclass(frozen=True, slots=True)
class Asymmetric:
    """Huber, `over` times heavier where the prediction is above the observation.

    Runs are spoilt upwards (a bad learning rate, a restart), hardly ever downwards, so a law
    should follow the lower edge of the cloud.
    """

    name: ClassVar[str] = "asymmetric"
    delta: float = 1e-3
    over: float = 10.0

    def _side(self, r: Residuals) -> Residuals:
        return np.where(r > 0, self.over, 1.0)

    def loss(self, r: Residuals) -> Residuals:
        """Return the Huber loss, times `over` for r > 0."""
        return self._side(r) * Huber(self.delta).loss(r)

    def slope(self, r: Residuals) -> Residuals:
        """Return the Huber slope, times `over` for r > 0."""
        return self._side(r) * Huber(self.delta).slope(r)

    def weight(self, r: Residuals) -> Residuals:
        """Return the Huber weight, times `over` for r > 0."""
        return self._side(r) * Huber(self.delta).weight(r)

    def curvature(self, r: Residuals) -> Residuals:
        """Return the Huber curvature, times `over` for r > 0."""
        return self._side(r) * Huber(self.delta).curvature(r)


@dataclass(frozen=True, slots=True)
class StudentT:
    """Minus the log density of Student's t with `dof` degrees of freedom and scale `delta`."""

    name: ClassVar[str] = "student-t"
    delta: float = 1e-2
    dof: float = 4.0

    def loss(self, r: Residuals) -> Residuals:
        """Return (dof + 1)/2 delta^2 log(1 + r^2 / (dof delta^2)), which is near r^2/2 at 0."""
        return 0.5 * (self.dof + 1) * self.delta**2 * np.log1p(self._square(r))

    def slope(self, r: Residuals) -> Residuals:
        """Return the derivative of the loss."""
        return r * self.weight(r)

    def weight(self, r: Residuals) -> Residuals:
        """Return slope / r."""
        return (self.dof + 1) / self.dof / (1 + self._square(r))

    def curvature(self, r: Residuals) -> Residuals:
        """Return the second derivative of the loss, cut at zero in the tails."""
        s = self._square(r)
        return np.maximum((self.dof + 1) / self.dof * (1 - s) / (1 + s) ** 2, 0.0)

    def _square(self, r: Residuals) -> Residuals:
        return r * r / (self.dof * self.delta**2)


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    o.name: o for o in (Huber, Squared, Asymmetric, StudentT)
}


def objective(name: str, delta: float | None = None) -> Objective:
    """Return the objective called `name`, with scale `delta` if one is given.

    Raises UnknownName, and UsageError for a delta that is not above zero or not wanted.
    """
    if name not in OBJECTIVES:
        raise UnknownName("objective", name, OBJECTIVES)
    if delta is None:
        return OBJECTIVES[name]()
    if name == Squared.name:
        raise UsageError("the squared objective has no delta")
    if not delta > 0:
        raise UsageError(f"delta is {delta}; it must be above zero")
    return OBJECTIVES[name](delta=delta)
