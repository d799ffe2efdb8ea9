"""Curve collapse: runs of one schedule, seen as shares of their length, have one shape.

Log of the new loss is a line in the log of an earlier run's at the same share of its schedule;
the slope is near one, and what is left wanders slowly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from isoflop.arrays import Numbers
from isoflop.schedules.curves import LossCurve
from isoflop.schedules.discrepancy import Discrepancy, noise_of
from isoflop.schedules.rates import Schedule

SLOPE = 0.1  # sd of the slope, around one
LEVEL = 1.0  # sd of the level, in logs: nothing is known of it
ALIKE = 0.1  # of the peak, by which rates at equal shares may differ after warm-up
STRETCH = 2.0  # times longer or shorter a template may be: across lengths shapes differ
WARM = 8  # per cent of a schedule in which warm-ups may differ
FEWEST = 3  # points that both must have


def templates(schedule: Schedule, curves: Iterable[LossCurve]) -> tuple[LossCurve, ...]:
    """Return the whole curves whose schedules have this shape; those of nearest length alone."""
    alike = [c for c in curves if _is_whole(c) and _is_alike(schedule, c.schedule)]
    apart = [abs(np.log(c.schedule.steps / schedule.steps)) for c in alike]
    near = [a for a in apart if a <= np.log(STRETCH) + 1e-9]
    if not near:
        return ()
    return tuple(c for c, a in zip(alike, apart, strict=True) if a <= min(near) + 1e-9)


def collapsed(partial: LossCurve, template: LossCurve) -> float | None:
    """Return the log of the last loss by one template; None where both share too few points."""
    share = partial.steps / partial.schedule.steps
    progress = template.steps / template.schedule.steps
    both = share >= progress[0]
    if both.sum() < FEWEST:
        return None
    log_loss = np.log(partial.loss[both])
    last = float(np.log(template.loss[-1]))
    shape = np.interp(share[both], progress, np.log(template.loss)) - last
    discrepancy = Discrepancy(share[both], noise_of(log_loss))
    # A prior on level and slope adds its covariance; the end of the template is where shape is 0.
    prior = LEVEL**2 + SLOPE**2 * np.outer(shape, shape)
    centre = last + shape
    with_end: Numbers = LEVEL**2 + discrepancy.at(1.0)
    weights = np.linalg.solve(discrepancy.covariance + prior, with_end)
    return last + float(weights @ (log_loss - centre))


def _is_whole(curve: LossCurve) -> bool:
    return bool(curve.steps[-1] >= 0.97 * curve.schedule.steps)


def _is_alike(one: Schedule, other: Schedule) -> bool:
    difference = np.abs(_shape(one) - _shape(other))[WARM:]
    return bool(difference.max() <= ALIKE)


def _shape(schedule: Schedule) -> Numbers:
    """Return the rate over its peak at each per cent of a schedule (101,)."""
    share = np.arange(schedule.rates.size) / schedule.steps
    return np.interp(np.linspace(0, 1, 101), share, schedule.rates) / schedule.peak
