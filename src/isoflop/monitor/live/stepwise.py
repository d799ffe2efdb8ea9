"""What is plain from one loss of training to the next: no number, a spike, a divergence."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from isoflop.monitor.live.evidence import (
    DIVERGED,
    LEAST_SPIKE,
    ROWS,
    SPIKE,
    WINDOW,
    Alert,
)

REFRESH = 8  # losses after which median and MAD are taken anew


@dataclass
class StepwiseRules:
    """The last losses of a stream, and whether the newest speak of something plain.

    Constant in memory. A restart begins the window anew.
    """

    stream: str
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    lowest: float = math.inf
    high: int = 0  # of the last three, how many lie above the window
    above: int = 0  # losses on end far above the lowest
    flags: deque[bool] = field(default_factory=lambda: deque(maxlen=3))
    scale: tuple[float, float] = (math.nan, math.nan)  # median and MAD of `recent`, at times
    since: int = 0  # losses since `scale` was taken

    def add(self, step: float, loss: float) -> Alert | None:
        """Take a loss, and return the alert that it makes plain."""
        if not math.isfinite(loss) or loss <= 0:
            return Alert(
                "not a number",
                step,
                math.inf,
                f"{self.stream} is {loss:g} at step {step:,.0f}: stop, and go back to a checkpoint",
            )
        log_loss = math.log(loss)
        spike = self._spike(step, log_loss)
        self.recent.append(log_loss)
        self.lowest = min(self.lowest, log_loss)
        self.above = self.above + 1 if self._is_far(log_loss) else 0
        if self.above >= ROWS:
            return Alert(
                "divergence",
                step,
                log_loss - self.lowest,
                f"{self.stream} is {loss:.4g} at step {step:,.0f}, "
                f"{math.exp(log_loss - self.lowest):.2f} times its lowest, and stays there: the "
                "run diverges",
            )
        return spike

    def take_back(self) -> None:
        """Begin anew, after a restart."""
        self.recent.clear()
        self.flags.clear()
        self.above = 0
        self.scale = (math.nan, math.nan)

    def _is_far(self, log_loss: float) -> bool:
        if log_loss <= self.lowest + DIVERGED or len(self.recent) < 8:
            return False
        return log_loss > self.lowest + 10 * self._scale()[1]

    def _scale(self) -> tuple[float, float]:
        """Return the median and the robust size of the last losses."""
        values = np.array(self.recent)
        middle = float(np.median(values))
        return middle, 1.4826 * float(np.median(np.abs(values - middle)))

    def _spike(self, step: float, log_loss: float) -> Alert | None:
        if len(self.recent) < WINDOW:
            return None
        self.since += 1
        if self.since >= REFRESH or math.isnan(self.scale[0]):
            self.scale, self.since = self._scale(), 0
        middle, size = self.scale
        self.flags.append(log_loss > middle + max(SPIKE * size, LEAST_SPIKE))
        if sum(self.flags) < 2 or not self.flags[-1]:
            return None
        rise = math.expm1(log_loss - middle)
        return Alert(
            "spike",
            step,
            rise,
            f"{self.stream} rose {rise:.0%} above its last {WINDOW} values at step {step:,.0f}, "
            "twice within three",
        )
