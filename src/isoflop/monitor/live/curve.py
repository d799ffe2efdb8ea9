"""A curve that grows without growing in memory, and can be taken back to an earlier step."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

import numpy as np

from isoflop.arrays import Numbers

MOST = 400  # points that are kept; beyond, neighbours are averaged in pairs


@dataclass
class GrowingCurve:
    """Means of `merged` neighbouring values each, at the mean of their steps, steps rising.

    A step that comes again, after a restart, takes back all that came at it or later.
    """

    merged: int = 1
    _steps: list[float] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)
    _rest: list[tuple[float, float]] = field(default_factory=list)
    last: float = -1.0  # the last step

    def add(self, step: float, value: float) -> None:
        """Add a value at a step beyond the last."""
        self.last = step
        self._rest.append((step, value))
        if len(self._rest) < self.merged:
            return
        steps, values = zip(*self._rest, strict=True)
        self._steps.append(float(np.mean(steps)))
        self._values.append(float(np.mean(values)))
        self._rest.clear()
        if len(self._steps) >= MOST:
            self._steps = np.reshape(self._steps, (-1, 2)).mean(axis=1).tolist()
            self._values = np.reshape(self._values, (-1, 2)).mean(axis=1).tolist()
            self.merged *= 2

    def take_back(self, step: float) -> None:
        """Forget what came at `step` or later."""
        keep = bisect.bisect_left(self._steps, step)
        del self._steps[keep:], self._values[keep:]
        self._rest = [pair for pair in self._rest if pair[0] < step]
        before = [*self._steps, *(s for s, _ in self._rest)]
        self.last = before[-1] if before else -1.0

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def steps(self) -> Numbers:
        """The steps (n,)."""
        return np.array(self._steps)

    @property
    def values(self) -> Numbers:
        """The values (n,)."""
        return np.array(self._values)
