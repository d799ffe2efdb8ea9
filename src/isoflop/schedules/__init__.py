"""Loss along a schedule of learning rates: from whole curves to the curve of another schedule."""

from __future__ import annotations

from isoflop.schedules.ahead import (
    Ahead,
    Decays,
    HeldOut,
    ahead,
    best_decay,
    each_held_out,
    held_out,
)
from isoflop.schedules.curves import Curve, read_curves, together
from isoflop.schedules.fitting import ScheduleFit, fit
from isoflop.schedules.forms import (
    CHOICES,
    PUBLISHED,
    Annealing,
    Form,
    MultiPower,
    Power,
    PublishedCurve,
)
from isoflop.schedules.history import History, grouped
from isoflop.schedules.rates import Recipe, Schedule, recipe
from isoflop.schedules.simulated import sample_curves, simulated

__all__ = [
    "CHOICES",
    "PUBLISHED",
    "Ahead",
    "Annealing",
    "Curve",
    "Decays",
    "Form",
    "HeldOut",
    "History",
    "MultiPower",
    "Power",
    "PublishedCurve",
    "Recipe",
    "Schedule",
    "ScheduleFit",
    "ahead",
    "best_decay",
    "each_held_out",
    "fit",
    "grouped",
    "held_out",
    "read_curves",
    "recipe",
    "sample_curves",
    "simulated",
    "together",
]
