"""What few samples of a study forecast of its coverage, held against all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CoveragePrediction:
    """Coverage at `k` forecast from few samples of one seed, and what all of them show."""

    seed: str
    way: str
    k: int
    value: float
    low: float
    high: float
    truth: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high
