"""A score to the loss that gives it, by a law of the score in the loss."""

from __future__ import annotations

import numpy as np

from isoflop.errors import NoOptimum, RefusedByData, UsageError
from isoflop.fitting import Fit
from isoflop.plan.problem import Model
from isoflop.plan.search import bisect
from isoflop.quantities import show

LOSSES = (0.05, 20.0)  # nats/token, or bits/byte: no language model lies outside


def loss_for(score: float, link: Model) -> float:
    """Return the loss at which a law of one input, the loss, predicts `score`.

    Raises NoOptimum for a law of other inputs, RefusedByData for a score that it never predicts.
    """
    if link.binding.takes != ("L",):
        raise NoOptimum(
            f"{link.law.key} takes {', '.join(link.binding.takes)}; a score needs a law of the "
            "loss: fit one with over=L"
        )
    if not np.isfinite(score):
        raise UsageError(f"the score is {score}; it must be finite")
    if isinstance(link, Fit) and link.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its score: {link.notes[0]}")

    def at(L: float) -> float:
        return float(np.ravel(link.law(**link.binding.arguments({"L": np.array([L])})))[0])

    low, high = LOSSES
    if isinstance(link, Fit):
        low, high = float(link.runs["L"].min()) / 2, float(link.runs["L"].max()) * 2
    rises = at(high) > at(low)
    ends = sorted((at(low), at(high)))
    if not ends[0] <= score <= ends[1]:
        raise RefusedByData(
            f"{link.law.key} never predicts {score:g}; between losses of {show(low)} and "
            f"{show(high)} it goes from {show(ends[0])} to {show(ends[1])}"
        )
    loss = bisect(
        lambda L: np.array([(at(float(x)) >= score) == rises for x in L]),
        np.array([low]),
        np.array([high]),
    )
    return float(loss[0])
