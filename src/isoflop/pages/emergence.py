"""One simulated family, scored by a metric that jumps and by one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.quantities import show
from isoflop.report import Axis, Block, Figure, Line, Paragraph, Points, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.theory import AnswerLossFamily, EmergenceScores, EmergenceStudy


def page_of(study: EmergenceStudy) -> Report:
    """Return how a metric makes a smooth law look sudden."""
    family, got = study.family, study.scores
    columns = ("N", "loss per token", "exact match", "wrong tokens", "Brier", "items to see one")
    values = (got.N, family.loss(got.N), got.exact, got.wrong, got.brier, study.needed)
    rows = tuple(tuple(float(v[i]) for v in values) for i in range(len(got.N)))
    blocks: list[Block] = [
        Remark("simulated: a lesson about metrics, no forecast of any model"),
        Paragraph(_sentence(family, got, study.first)),
        Table(columns, rows, "The last column: items that show one exact match with 95%."),
        _exact(got, study.smooth, study.first),
        _wrong(got, study.smooth),
    ]
    data: dict[str, Any] = {
        "simulated": True,
        "tokens": got.tokens,
        "items": got.items,
        "first_seen": study.first,
        "models": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    return Report("One family, two metrics (simulated)", tuple(blocks), data)


def _sentence(family: AnswerLossFamily, got: EmergenceScores, first: float) -> str:
    """Return in words from which size an exact match is seen."""
    zero = got.exact == 0
    none = f"; {zero.sum()} of {got.N.size} models score nothing" if zero.any() else ""
    return (
        f"The loss per token is ({show(family.scale)} / N)^{family.alpha:g} nats. On {got.items} "
        f"items of {got.tokens} tokens an exact match shows from about {show(first)} parameters"
        f"{none}; the number of wrong tokens falls from model to model."
    )


def _exact(got: EmergenceScores, smooth: EmergenceScores, first: float) -> Figure:
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


def _wrong(got: EmergenceScores, smooth: EmergenceScores) -> Figure:
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
