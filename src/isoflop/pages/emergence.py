"""One simulated family, scored by a metric that jumps and by one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.quantities import show
from isoflop.report import Axis, Figure, Line, Points

if TYPE_CHECKING:
    from isoflop.theory import AnswerLossFamily, EmergenceScores


def says(family: AnswerLossFamily, got: EmergenceScores, first: float) -> str:
    """Return in words from which size an exact match is seen."""
    zero = got.exact == 0
    none = f"; {zero.sum()} of {got.N.size} models score nothing" if zero.any() else ""
    return (
        f"The loss per token is ({show(family.scale)} / N)^{family.alpha:g} nats. On {got.items} "
        f"items of {got.tokens} tokens an exact match shows from about {show(first)} parameters"
        f"{none}; the number of wrong tokens falls from model to model."
    )


def exact_of(got: EmergenceScores, smooth: EmergenceScores, first: float) -> Figure:
    """Return exact match against size, sampled and as the law has it."""
    level = np.array([0.0, 1.0])
    return Figure(
        "Exact match: nothing, then everything",
        Axis.of("N"),
        Axis("exact match: share of answers right in every token", "1", log=False),
        (
            Line("expected, p^T", smooth.N, smooth.exact, group="exact"),
            Line("first seen on this test", np.full(2, first), level, "reference"),
            Points(f"scored on {got.items} items", got.N, got.exact, group="exact"),
        ),
        "Simulated.",
    )


def wrong_of(got: EmergenceScores, smooth: EmergenceScores) -> Figure:
    """Return edit distance against size, sampled and as the law has it."""
    return Figure(
        "Wrong tokens: the same answers, counted",
        Axis.of("N"),
        Axis("wrong tokens of an answer: edit distance", "tokens", log=False),
        (
            Line("expected, T (1 - p)", smooth.N, smooth.wrong, group="wrong"),
            Points(f"scored on {got.items} items", got.N, got.wrong, group="wrong"),
        ),
        "Simulated; the same answers as above.",
    )
