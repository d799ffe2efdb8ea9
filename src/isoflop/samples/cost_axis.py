"""What the points of curves over samples cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.arrays import Numbers
from isoflop.samples.curves import SampleCurve


@dataclass(frozen=True)
class CostAxis:
    """What the samples of a problem cost in a unit: of each curve (g,), the mean over problems."""

    unit: str
    cost: Mapping[str, Numbers]

    def of(self, curve: SampleCurve) -> Numbers:
        """Return where the points of a curve lie (g,)."""
        return self.cost.get(curve.name, curve.k)
