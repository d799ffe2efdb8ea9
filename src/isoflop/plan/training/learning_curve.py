"""The compute-efficient run by a learning curve in steps: how far short of converging to stop.

Kaplan et al. 2020, section 5, 6 and appendix B. Compute is C_min, what a batch far below critical
would take, and steps are S_min, what one far above would; a run at the critical batch takes twice
both. All of it holds for curves without a floor: with one, L in B_crit(L) is not the reducible
loss and nothing here is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.laws.kaplan_joint import KaplanJoint
from isoflop.laws.learning_curve import LearningCurve
from isoflop.laws.learning_curve_at_batch import LearningCurveAtBatch

Curve: TypeAlias = LearningCurve | LearningCurveAtBatch


@dataclass(frozen=True, slots=True)
class Efficient:
    """The best run for C_min [FLOP, 6ND of non-embedding N]: all arrays of its shape.

    `batch` is the critical one at the final loss L [nats/token]; `steps` are S_min, and D =
    batch * steps the least tokens. `excess` is how far L lies above the converged loss of N.
    """

    C_min: Numbers
    L: Numbers
    N: Numbers
    steps: Numbers
    batch: Numbers
    D: Numbers
    excess: float


@dataclass(frozen=True, slots=True)
class Off:
    """What another size costs at equal loss, as ratios to the efficient run's."""

    N: Numbers
    C: Numbers
    steps: Numbers


def efficient(curve: LearningCurveAtBatch, C_min: Any) -> Efficient:
    """Return the size, steps and batch that reach the least loss for C_min [FLOP].

    Raises UsageError for a curve with a floor, or a budget that is not above zero.
    Source: Kaplan et al. 2020, appendix B.1.
    """
    _without_floor(curve)
    C = _positive(C_min, "C_min")
    a_N, a_S, p = curve.alpha_N, curve.alpha_S, curve.power
    a_C, C_c = 1 / (1 / a_S + p + 1 / a_N), critical_compute(curve)
    L = (C_c / C) ** a_C
    N = curve.N_c * (1 + a_N / a_S) ** (1 / a_N) / L ** (1 / a_N)
    batch = curve.B_star / L**p
    steps = C / (6 * N * batch)
    return Efficient(C_min=C, L=L, N=N, steps=steps, batch=batch, D=batch * steps, excess=a_N / a_S)


def critical_compute(curve: LearningCurveAtBatch) -> float:
    """Return C_c [FLOP] of L = (C_c / C_min)^a_C; a_C is 1 over the sum of the three inverses.

    Raises UsageError for a curve with a floor.
    """
    _without_floor(curve)
    a_N, a_S = curve.alpha_N, curve.alpha_S
    both = (1 + a_N / a_S) ** (1 / a_S + 1 / a_N) * (a_S / a_N) ** (1 / a_S)
    return float(6 * curve.N_c * curve.B_star * curve.S_c * both)


def off_size(curve: Curve, ratio: Any) -> Off:
    """Return what N = ratio times the efficient N costs in C_min and in S_min, at equal loss.

    Infinite where no number of steps makes up for the size.
    Raises UsageError for a curve with a floor.
    Source: Kaplan et al. 2020, section 6.1 and appendix B.4.
    """
    _without_floor(curve)
    x = _positive(ratio, "the ratio of sizes")
    base = 1 + curve.alpha_S / curve.alpha_N * (1 - x**-curve.alpha_N)
    with np.errstate(divide="ignore"):
        steps = np.where(base > 0, np.maximum(base, 0.0) ** (-1 / curve.alpha_S), np.inf)
    return Off(x, x * steps, steps)


def off_stop(curve: Curve, excess: float, other: float) -> Off:
    """Return N, C_min and S_min of stopping `excess` above the converged loss, over `other`'s.

    Both runs reach the same loss: the one that stops earlier is larger and takes fewer steps.
    Raises UsageError for a curve with a floor, or an excess that is not above zero.
    Source: Kaplan et al. 2020, appendix B.3.
    """
    _without_floor(curve)
    f, g = _positive([excess, other], "the excess over the converged loss")
    N = ((1 + f) / (1 + g)) ** (1 / curve.alpha_N)
    steps = (g / (1 + g) * (1 + f) / f) ** (1 / curve.alpha_S)
    return Off(N, N * steps, steps)


def earliest_stop(curve: Curve, joint: KaplanJoint, N: Any, D: Any) -> Numbers:
    """Return the steps [steps] before which N [params] on D [tokens] is not yet best stopped.

    Raises UsageError for sizes or tokens that are not above zero.
    Source: Kaplan et al. 2020, eq. 5.7, of early stopping on D tokens seen many times.
    """
    N, D = _positive(N, "N"), _positive(D, "D")
    lost = joint(N=N, D=D) - joint(N=N, D=np.inf)
    return np.asarray(curve.S_c / lost ** (1 / curve.alpha_S))


def enough_tokens(joint: KaplanJoint, N: Any, share: float = 0.02) -> Numbers:
    """Return the D [tokens] with which N [params] loses `share` of its loss to overfitting.

    Raises UsageError for a size or a share that is not above zero.
    Source: Kaplan et al. 2020, section 4.2: D = 5e3 N^0.74 for 0.02.
    """
    N, share = _positive(N, "N"), float(_positive(share, "the share"))
    return np.asarray(joint.tokens_for((1 + share) * joint(N=N, D=np.inf), N))


def fewest_steps(steps: Any, batch: Any, critical: Any) -> Numbers:
    """Return S_min [steps] of a run of `steps` at a batch, by the critical batch [tokens]."""
    steps, batch, critical = _all_positive(steps=steps, batch=batch, critical=critical)
    return np.asarray(steps / (1 + critical / batch))


def least_compute(C: Any, batch: Any, critical: Any) -> Numbers:
    """Return C_min [FLOP] of a run of C [FLOP] at a batch, by the critical batch [tokens]."""
    C, batch, critical = _all_positive(C=C, batch=batch, critical=critical)
    return np.asarray(C / (1 + batch / critical))


def _without_floor(curve: Curve) -> None:
    if curve.E > 0:
        raise UsageError(
            f"the curve has a floor of {curve.E:.4g}; compute-efficient training in closed form "
            "is for curves without one: fit it with --fix E=0"
        )


def _all_positive(**named: Any) -> tuple[Numbers, ...]:
    return tuple(_positive(value, name) for name, value in named.items())


def _positive(values: Any, what: str) -> Numbers:
    numbers = np.asarray(values, float)
    if not (np.isfinite(numbers) & (numbers > 0)).all():
        raise UsageError(f"{what} is {values}; it must be finite and above zero")
    return numbers
