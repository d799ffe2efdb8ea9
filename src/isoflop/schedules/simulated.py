"""Loss curves whose truth is known: a published law along three schedules, and noise."""

from __future__ import annotations

import numpy as np

from isoflop.schedules.curves import LossCurve
from isoflop.schedules.forms import PUBLISHED, Form
from isoflop.schedules.history import ScheduleHistory
from isoflop.schedules.rates import Schedule, recipe

SAMPLE = "schedules"  # what `sample:schedules` names
TRUTH = "multi-power/luo2025-100M"
_BUDGET = "steps=8000,warmup=400"
_TEXTS = {
    "constant": f"constant:peak=3e-4,{_BUDGET}",
    "cosine": f"cosine:peak=3e-4,end=3e-5,{_BUDGET}",
    "wsd": f"wsd:peak=3e-4,end=3e-5,{_BUDGET},decay=1600,shape=linear",
}


def simulated(law: Form, schedule: Schedule, every: int, noise: float, seed: int) -> LossCurve:
    """Return the curve of a law along a schedule, its loss measured every so many steps.

    `noise` is the standard deviation of one measurement [nats/token].
    """
    steps = np.arange(schedule.warmup + every, schedule.steps + 1, every)
    scatter = noise * np.random.default_rng(seed).standard_normal(steps.size)
    return LossCurve(
        schedule.name, schedule, steps, law(ScheduleHistory(schedule, steps)) + scatter
    )


def sample_curves() -> tuple[LossCurve, ...]:
    """Return the curves of `sample:schedules`: constant, cosine and WSD, by `TRUTH`, made up."""
    law = PUBLISHED[TRUTH].law
    return tuple(
        simulated(law, recipe(text).schedule(name), 50, 0.002, seed)
        for seed, (name, text) in enumerate(_TEXTS.items())
    )
