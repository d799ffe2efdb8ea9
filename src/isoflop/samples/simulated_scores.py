"""Banks of scored samples whose best-of-n curve is known exactly: quality, style and a proxy.

A sample has two standard normal features, quality x and style e. Gold is
quality x + taste e - harm e^2, besides what no proxy reads; a proxy reads cos(angle) x +
sin(angle) e. Without harm this is the Gaussian case (gain sqrt(2) rho sigma d for large n); a
proxy of style alone is the quadratic generator a z - b z^2, whose gain is about
d (sqrt(2) a - 2 b d).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.samples.score_table import ScoreTable, TableSource, score_table

# Larger proxies read less of the style, as better judges do: angle [radians] and parameters.
PROXIES = {"tiny": (1.05, 1e6), "small": (0.8, 1e7), "large": (0.6, 1e8)}
SAMPLE = "simulated-scores"  # the bank that `sample:simulated-scores` names


@dataclass(frozen=True)
class Overoptimised:
    """A gold score and proxies of it, each at its angle [radians].

    `unread` and `between` are standard deviations of gold: of what no proxy reads, and of prompts.
    """

    quality: float = 1.0
    taste: float = 0.0
    harm: float = 0.2
    angles: Mapping[str, float] = field(
        default_factory=lambda: {name: angle for name, (angle, _) in PROXIES.items()}
    )
    unread: float = 0.3
    between: float = 0.5

    def table(self, prompts: int, samples: int, seed: int = 0) -> ScoreTable:
        """Return a bank of prompts by samples, every one labelled."""
        rng = np.random.default_rng(seed)
        shape = (prompts, samples)
        x, e = rng.standard_normal(shape), rng.standard_normal(shape)
        gold = self.quality * x + self.taste * e - self.harm * e**2
        gold = gold + self.unread * rng.standard_normal(shape)
        gold = gold + self.between * rng.standard_normal((prompts, 1))
        scores = {n: (np.cos(a) * x + np.sin(a) * e).ravel() for n, a in self.angles.items()}
        names = np.repeat([f"p{i:04d}" for i in range(prompts)], samples)
        sizes = {n: size for n, (_, size) in PROXIES.items() if n in self.angles}
        source = TableSource(origin="a simulation", sizes=sizes)
        return score_table(names, scores, gold.ravel(), source=source)

    def curve(self, proxy: str, n: Any) -> Numbers:
        """Return the exact gain in gold of best-of-n by a proxy, for every n (g,)."""
        angle = self.angles[proxy]
        first, second = normal_maxima(n)
        slope = self.quality * np.cos(angle) + self.taste * np.sin(angle)
        return np.asarray(slope * first - self.harm * np.sin(angle) ** 2 * (second - 1))


@dataclass(frozen=True, eq=False)
class Maxima:
    """E[max] and E[max^2] of n standard normals, for every n (g,)."""

    first: Numbers
    second: Numbers

    def __iter__(self) -> Iterator[Numbers]:
        return iter((self.first, self.second))


def normal_maxima(n: Any) -> Maxima:
    """Return the first two moments of the largest of n standard normals."""
    from scipy.special import ndtr

    s = np.linspace(-12, 12, 24001)
    upto = ndtr(s) ** np.atleast_1d(np.asarray(n, float))[:, None]
    mass, middle = np.diff(upto, axis=1), (s[1:] + s[:-1]) / 2
    # Sheppard: squares of midpoints lie too far out by a twelfth of the square of a step.
    return Maxima(mass @ middle, mass @ middle**2 - (s[1] - s[0]) ** 2 / 12)


def sample_scores() -> ScoreTable:
    """Return the bank of `sample:simulated-scores`: 48 prompts of 512 samples, three proxies."""
    return Overoptimised().table(48, 512, seed=8)
