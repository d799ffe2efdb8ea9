"""Loss along a schedule of learning rates: from whole curves to the curve of another schedule."""

from __future__ import annotations

from isoflop.schedules.curves import LossCurve, read_curves, together
from isoflop.schedules.ending import EarlierRuns, Ending, ending
from isoflop.schedules.fitting import ScheduleFit, fit
from isoflop.schedules.forecast import (
    Decays,
    HeldOutCurve,
    ScheduleForecast,
    ahead,
    best_decay,
    each_held_out,
    held_out,
)
from isoflop.schedules.forms import (
    CHOICES,
    PUBLISHED,
    Annealing,
    AreaPower,
    Form,
    MultiPower,
    PublishedCurve,
)
from isoflop.schedules.history import ScheduleHistory, grouped
from isoflop.schedules.rates import Schedule, ScheduleSpec, recipe
from isoflop.schedules.simulated import sample_curves, simulated

__all__ = [
    "CHOICES",
    "PUBLISHED",
    "Annealing",
    "AreaPower",
    "Decays",
    "EarlierRuns",
    "Ending",
    "Form",
    "HeldOutCurve",
    "LossCurve",
    "MultiPower",
    "PublishedCurve",
    "Schedule",
    "ScheduleFit",
    "ScheduleForecast",
    "ScheduleHistory",
    "ScheduleSpec",
    "ahead",
    "best_decay",
    "each_held_out",
    "ending",
    "fit",
    "grouped",
    "held_out",
    "read_curves",
    "recipe",
    "sample_curves",
    "simulated",
    "together",
]
