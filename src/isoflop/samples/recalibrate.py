"""Scores on one scale: gold of unit variance about the initial policy, proxies by a temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, CannotFit
from isoflop.samples.score_table import ScoreTable

PAIRS = 200_000  # pairs of samples that a temperature is fitted to, at most
HIGHEST = 1e6  # times the spread of a proxy, beyond which a temperature is no number


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """A score is moved by -`centre`, then multiplied by `factor`; `loss` is its cross-entropy.

    The loss [nats] is that of the proxy against soft labels of the gold; None for the gold itself.
    """

    centre: float
    factor: float
    loss: float | None = None

    def __call__(self, score: Numbers) -> Numbers:
        """Return scores on the common scale."""
        return np.asarray((score - self.centre) * self.factor)


def gold_scale(table: ScoreTable) -> ScoreScale:
    """Return the scale on which the gold of the initial policy has mean 0 and variance 1.

    Raises BadRuns for fewer than two labels.
    """
    gold = table.gold[table.labelled]
    if gold.size < 2:
        raise BadRuns(f"{table.origin}: {gold.size} samples have a gold score; label some")
    return ScoreScale(float(gold.mean()), float(1 / gold.std()))


def proxy_scale(table: ScoreTable, proxy: str, seed: int = 0) -> ScoreScale:
    """Return the scale of a proxy: centred on the initial policy, and one temperature.

    The temperature is that of least cross-entropy between the proxy's preference and the soft
    preference of the gold (of unit variance), over pairs of samples of a prompt.
    Raises CannotFit for a proxy that prefers what the gold does not.
    Source: Gao, Schulman and Hilton 2022, arXiv:2210.10760, on recalibration.
    """
    score, gold = table.score(proxy), gold_scale(table)(table.gold)
    one, two = _pairs(table, seed)
    s, wanted = score[one] - score[two], _sigmoid(gold[one] - gold[two])
    # The loss is convex in the temperature: its slope is searched for a zero.
    scale = 1 / max(float(s.std()), 1e-300)
    if _slope(0.0, s, wanted) >= 0:
        raise CannotFit(
            f"{table.origin}: within prompts, proxy {proxy} prefers what the gold does not: "
            "is its sign turned, or are the two swapped?"
        )
    from scipy.optimize import brentq

    if _slope(HIGHEST * scale, s, wanted) <= 0:
        raise CannotFit(
            f"{table.origin}: proxy {proxy} orders every pair of {s.size:,} as the gold does, so "
            "no temperature is too high; is it the gold itself?"
        )
    factor = float(brentq(_slope, 0.0, HIGHEST * scale, args=(s, wanted), rtol=1e-10))
    loss = float((np.logaddexp(0, factor * s) - wanted * factor * s).mean())
    return ScoreScale(float(score.mean()), factor, loss)


def _pairs(table: ScoreTable, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return pairs of labelled samples of one prompt: neighbours in a random order."""
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(table.labelled)
    firsts, seconds, count = [], [], 0
    for _ in range(8):
        order = rows[np.lexsort((rng.random(rows.size), table.prompt[rows]))]
        same = table.prompt[order[1:]] == table.prompt[order[:-1]]
        firsts.append(order[:-1][same])
        seconds.append(order[1:][same])
        count += int(same.sum())
        if count >= PAIRS or not same.any():
            break
    if not count:
        raise BadRuns(
            f"{table.origin}: no prompt has two samples with gold scores; a temperature needs pairs"
        )
    return np.concatenate(firsts)[:PAIRS], np.concatenate(seconds)[:PAIRS]


def _slope(factor: float, s: Numbers, wanted: Numbers) -> float:
    return float((s * (_sigmoid(factor * s) - wanted)).mean())


def _sigmoid(x: Numbers) -> Numbers:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))
