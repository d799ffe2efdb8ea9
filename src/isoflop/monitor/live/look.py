"""What is said of a run at one look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.monitor.live.evidence import Alert
from isoflop.monitor.live.outcomes import Outcome
from isoflop.schedules import Ending

Standing = Literal["on track", "worse", "better", "no word yet"]
LEVEL = 0.9  # of the interval that is shown


@dataclass(frozen=True, eq=False)
class Look:
    """What is said of a run at one look.

    `sigma` is by how much the forecast lies above what was expected, `since` the step from which
    it has. `reaches` is the probability that the last loss comes to the target, `outcomes` are
    other ends of the run. `why_not` says why there is no forecast.
    """

    step: float
    loss: float
    stream: str
    standing: Standing
    sigma: float
    since: float
    forecast: Ending | None
    why_not: str
    level_sigma: float
    reaches: float
    outcomes: tuple[Outcome, ...]
    alerts: tuple[Alert, ...]
    steps: np.ndarray
    losses: np.ndarray

    @property
    def is_alarmed(self) -> bool:
        """Whether there is an alert, and not only notices."""
        return any(alert.severity == "alert" for alert in self.alerts)

    def __str__(self) -> str:
        """Return how the run stands, and how it will end, in a line."""
        text = f"step {self.step:,.0f}, {self.stream} {self.loss:.4g}"
        if self.standing != "no word yet" or self.forecast is None:
            text += f": {self.standing}"
        if math.isfinite(self.sigma):
            text += f", {abs(self.sigma):.1f} sigma {'above' if self.sigma > 0 else 'below'}"
        elif math.isfinite(self.level_sigma):
            side = "above" if self.level_sigma > 0 else "below"
            text += f", {abs(self.level_sigma):.1f} sigma {side} its repeats"
        if math.isfinite(self.since):
            text += f" since step {self.since:,.0f}"
        if self.forecast is not None:
            low, high = self.forecast.interval(LEVEL)
            text += f"; estimated final loss {self.forecast.value:.4g} ({low:.4g} to {high:.4g})"
        if names := [alert.name for alert in self.alerts if alert.severity == "alert"]:
            text += f"; ALERT: {', '.join(names)}"
        return text
