"""Other ends of a run under way: stopped now, decayed from now on, or trained longer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.schedules import Ending, LossCurve, Schedule

LONGER = 0.2  # share of steps by which "longer" is longer
DECAY = 0.2  # share of the steps so far that "decay now" takes
FLOOR = 0.1  # of the peak, to which "decay now" falls where the plan falls to no rate of its own


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one end would give: the last loss, at which step, and its steps against the plan's."""

    name: str
    loss: float
    steps: int
    cost: float  # steps over those planned


def outcomes(forecast: Ending | None, partial: LossCurve) -> tuple[Outcome, ...]:
    """Return what stopping now, decaying now and training longer would give, as far as known."""
    if not partial.steps.size:
        return ()
    plan = partial.schedule
    now, total = int(partial.steps[-1]), plan.steps
    recent = float(np.median(partial.loss[-3:]))
    results = [Outcome("stop now", recent, now, now / total)]
    if forecast is None:
        return tuple(results)
    if now < total:
        results.append(Outcome("as planned", forecast.value, total, 1.0))
    for name, schedule in (("decay now", decayed(plan, now)), ("20% longer", longer(plan, now))):
        if schedule is None:
            continue
        loss = forecast.elsewhere(schedule)
        if loss is not None and math.isfinite(loss):
            results.append(Outcome(name, loss, schedule.steps, schedule.steps / total))
    return tuple(results)


def decayed(plan: Schedule, now: int) -> Schedule | None:
    """Return the schedule whose decay begins now, in a line; None once the plan itself decays."""
    rate, end = float(plan.rates[now]), float(plan.rates[-1])
    if rate < 0.9 * plan.peak or now <= plan.warmup:
        return None
    steps = max(2, round(DECAY * now / (1 - DECAY)))
    last = end if end < 0.5 * plan.peak else FLOOR * plan.peak
    fall = np.linspace(rate, last, steps + 1)[1:]
    return Schedule("decay now", np.concatenate([plan.rates[: now + 1], fall]), plan.warmup)


def longer(plan: Schedule, now: int) -> Schedule | None:
    """Return the schedule with its rest stretched; None for a run at its end."""
    rest = plan.steps - now
    if rest < 2:
        return None
    steps = rest + round(LONGER * plan.steps)
    share = np.linspace(0, rest, steps + 1)[1:]
    tail = np.interp(now + share, np.arange(plan.steps + 1), plan.rates)
    return Schedule("longer", np.concatenate([plan.rates[: now + 1], tail]), plan.warmup)
