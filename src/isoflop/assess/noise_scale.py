"""The noise scale of the gradient, from its size in a small and in a large batch.

|G|^2 of a batch of B tokens is |G|^2 of the full gradient plus tr(Sigma) / B. Two batch sizes
tell the two apart; one step is very noisy, so that both are averaged over steps before the ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, UsageError


@dataclass(frozen=True, slots=True)
class NoiseScale:
    """B_noise = tr(Sigma) / |G|^2 [tokens], the batch at which noise and gradient are alike.

    `gradient` is |G|^2 and `noise` tr(Sigma) [gradient^2 * tokens], each averaged over `steps`.
    `low` and `high` hold `level` of the draws over blocks of steps; `high` is infinite where
    |G|^2 may be zero.
    """

    value: float
    low: float
    high: float
    gradient: float
    noise: float
    level: float
    steps: int


def noise_scale(
    small: Any,
    large: Any,
    *,
    batch_small: float,
    batch_large: float,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 0,
) -> NoiseScale:
    """Return the noise scale from |G|^2 (t,) in batches of two sizes [tokens] at the same steps.

    With data parallelism the small batch is that of one worker and the large one that of all, so
    that it costs nothing. Steps next to each other are alike: draws take blocks of them.

    Raises UsageError for series that do not match, CannotFit where no gradient shows above noise.
    Source: McCandlish et al. 2018, arXiv:1812.06162, appendix A.1.
    """
    s, b = _series(small, large, batch_small, batch_large)
    gradient_t = (batch_large * b - batch_small * s) / (batch_large - batch_small)
    noise_t = (s - b) / (1 / batch_small - 1 / batch_large)
    gradient, noise = float(gradient_t.mean()), float(noise_t.mean())
    if gradient <= 0 or noise <= 0:
        what = "gradient" if gradient <= 0 else "noise"
        raise CannotFit(
            f"over {s.size} steps the mean |{what}|^2 comes out at {min(gradient, noise):.3g}, not "
            "above zero; average over more steps, or take batches further apart"
        )
    rng = np.random.default_rng(seed)
    length = max(1, round(np.sqrt(s.size)))
    starts = rng.integers(0, s.size, (draws, -(-s.size // length)))
    picked = (starts[:, :, None] + np.arange(length)).reshape(draws, -1)[:, : s.size] % s.size
    top, bottom = noise_t[picked].mean(1), gradient_t[picked].mean(1)
    ratio = np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), np.inf)
    low, high = np.quantile(ratio, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return NoiseScale(
        value=noise / gradient,
        low=float(low),
        high=float(high),
        gradient=gradient,
        noise=noise,
        level=level,
        steps=s.size,
    )


def _series(
    small: Any, large: Any, batch_small: float, batch_large: float
) -> tuple[Numbers, Numbers]:
    """Return both series; raises UsageError for what cannot be told apart."""
    s, b = np.asarray(small, float), np.asarray(large, float)
    if s.ndim != 1 or s.shape != b.shape or s.size < 2:
        raise UsageError(
            f"|G|^2 of the small batch has shape {s.shape} and of the large one {b.shape}; give "
            "two series of the same steps, two steps at least"
        )
    if not 0 < batch_small < batch_large < np.inf:
        raise UsageError(
            f"the batches are {batch_small:g} and {batch_large:g} tokens; the first must be the "
            "smaller, and above zero"
        )
    wrong = ~(np.isfinite(s) & np.isfinite(b) & (s > 0) & (b > 0))
    if wrong.any():
        raise UsageError(
            f"|G|^2 is not a number above zero at step {np.flatnonzero(wrong)[0]}; leave such "
            "steps out of both series"
        )
    return s, b
