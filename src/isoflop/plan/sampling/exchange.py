"""A larger model, or more samples of a small one: what the compute of pretraining buys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.options import IntervalOptions
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed


def multiplier(M: Any, R: Any) -> Numbers:
    """Return by how much a model may multiply its inference for the price of one M times larger.

    R is tokens inferred over tokens trained on. Training takes X = 6 N D_train FLOP and inference
    Y = 2 N D_infer; the larger model costs M (X + Y), so the small one has M + 3 (M - 1) / R.

    Raises UsageError for an M below 1, or an R that is not above zero.
    Source: Snell et al. 2024, arXiv:2408.03314, section 7.

    >>> float(multiplier(14, 0.16))
    257.75
    """
    M, R = np.asarray(M, float), np.asarray(R, float)
    if not (np.isfinite(M).all() and (M >= 1).all()):
        raise UsageError(f"M is {M}; the other model is M times larger, at least 1")
    if not (np.isfinite(R).all() and (R > 0).all()):
        raise UsageError(f"R is {R}; it is tokens inferred over tokens trained on, above zero")
    return np.asarray(M + 3 * (M - 1) / R)


@dataclass(frozen=True)
class Exchanged(Displayed):
    """One group of problems: the large model once, against the small one with many samples.

    `needed` is the least number of samples at which the small model is as good, infinite where
    no number that was seen or forecast is; `verdict` is "samples", "larger model" or "even".
    """

    name: str
    problems: int
    large: float
    small: float
    small_ends: tuple[float, float]
    needed: float
    beyond: bool
    verdict: str


def compared(
    name: str,
    large: Numbers,
    k: Numbers,
    small: Numbers,
    affordable: float,
    interval: IntervalOptions = IntervalOptions(draws=500),
) -> Exchanged:
    """Return the verdict on problems: the large model's chance (p,), the small one's (p, g) over k.

    The small model is read at the largest k within `affordable`: what lies past the bank is not
    guessed, and `beyond` says so.
    """
    from isoflop.samples.curves import problem_weights

    refuse_draws(interval.draws, interval.level)
    inside = np.flatnonzero(k <= affordable * (1 + 1e-9))
    if not inside.size:
        raise UsageError(
            f"{affordable:.3g} samples are affordable, and the curve begins at {k[0]:g}"
        )
    g = int(inside[-1])
    curve = small.mean(0)
    weights = np.concatenate([*problem_weights(len(small), interval.draws, interval.seed)])
    gain = weights @ (small[:, g] - large)
    ends = np.quantile(gain, [(1 - interval.level) / 2, (1 + interval.level) / 2])
    verdict = "samples" if ends[0] > 0 else "larger model" if ends[1] < 0 else "even"
    enough = np.flatnonzero(curve >= large.mean())
    return Exchanged(
        name=name,
        problems=len(small),
        large=float(large.mean()),
        small=float(curve[g]),
        small_ends=(float(ends[0]), float(ends[1])),
        needed=float(k[enough[0]]) if enough.size else float("inf"),
        beyond=bool(affordable > k[-1] * (1 + 1e-9)),
        verdict=verdict,
    )
