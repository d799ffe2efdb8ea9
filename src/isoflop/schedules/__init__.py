"""Loss along a schedule of learning rates: from whole curves to the curve of another schedule."""

from __future__ import annotations

from isoflop.schedules.curve_sources import read_loss_curves, schedule_of
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
from isoflop.schedules.judged_laws import (
    ScheduleFits,
    SchedulePredictions,
    fit_schedules,
    predict_schedules,
)
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
    "ScheduleFits",
    "ScheduleForecast",
    "ScheduleHistory",
    "SchedulePredictions",
    "ScheduleSpec",
    "ahead",
    "best_decay",
    "each_held_out",
    "ending",
    "fit",
    "fit_schedules",
    "grouped",
    "held_out",
    "predict_schedules",
    "read_curves",
    "read_loss_curves",
    "recipe",
    "sample_curves",
    "schedule_of",
    "simulated",
    "together",
]
