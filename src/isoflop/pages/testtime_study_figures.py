"""Figures of the study of test time: curves over k, strategies by difficulty, forced budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Numbers
from isoflop.experiments.testtime import (
    DVTS,
    MCTS,
    Beam,
    Rebase,
    Revision,
    Strategy,
    name_of,
)
from isoflop.report import Axis, Band, ErrorBar, Figure, Layer, Line, Points
from isoflop.studies.reward import Mean
from isoflop.studies.testtime import BINS, FORCED, Seed, extended, limit_of, limited, over

if TYPE_CHECKING:
    from isoflop.studies.testtime_forecast import CoveragePrediction


AMONG = 16  # responses of the strategies that are shown by difficulty
SHOWN: tuple[Strategy, ...] = (
    Beam(n=AMONG),
    DVTS(n=AMONG),
    Rebase(n=AMONG),
    MCTS(n=AMONG),
    Revision(n=AMONG, chain=4),
)


def figures(
    seeds: Sequence[Seed], verifier: str, predictions: Sequence[CoveragePrediction]
) -> list[Figure]:
    """Return every figure that the study has the samples for."""
    parts = [_over_k(seeds, predictions)]
    if any(strategy in seeds[0].strategies for strategy in SHOWN):
        parts.append(_by_bin(seeds, verifier))
    return [*parts, *_forced(seeds)]


def _over_k(seeds: Sequence[Seed], predictions: Sequence[CoveragePrediction]) -> Figure:
    """Return coverage, vote and best of k, with what coverage was forecast to be."""
    k, layers = seeds[0].k, list[Layer]()
    for name in seeds[0].curves:
        means = [Mean.of([s.curve(name)[g] for s in seeds]) for g in range(k.size)]
        value = np.array([m.value for m in means])
        layers += _banded(name, k, value, means)
    layers += [
        ErrorBar(
            "coverage, forecast for each seed",
            s.k * 1.08 ** (i + 1),
            s.value,
            s.low,
            s.high,
            "forecast",
        )
        for i, s in enumerate(predictions)
    ]
    caption = f"From all samples at every k: {over(seeds)}."
    if predictions:
        caption += (
            " Bars at the right: coverage at the last k as it was forecast for each seed from few "
            "samples (moved apart to be seen)."
        )
    return Figure(
        "What k samples come to", Axis("k", "samples per problem"), _right(), tuple(layers), caption
    )


def _banded(name: str, x: Numbers, value: Numbers, means: Sequence[Mean]) -> list[Layer]:
    low = np.array([m.value if m.low is None else m.low for m in means])
    high = np.array([m.value if m.high is None else m.high for m in means])
    band = Band(name, x, low.clip(0, 1), high.clip(0, 1), group=name)  # of shares
    return [Line(name, x, value, group=name), band]


def _by_bin(seeds: Sequence[Seed], verifier: str) -> Figure:
    """Return strategies of sixteen responses, by difficulty, beside the weighted vote."""
    bins = np.arange(BINS)
    vote = f"vote weighted by {verifier}"
    each = (
        {f"{vote}, k = {AMONG}": [s.at(vote, AMONG) for s in seeds]} if AMONG in seeds[0].k else {}
    )
    each |= {
        name_of(n): [s.strategies[n].right for s in seeds]
        for n in SHOWN
        if n in seeds[0].strategies
    }
    layers: list[Layer] = []
    for name, right in each.items():
        pairs = list(zip(right, seeds, strict=True))
        by_bin = [float(np.mean([r[s.bins == b].mean() for r, s in pairs])) for b in bins]
        value = np.array(by_bin, float)
        layers.append(Line(name, np.arange(1.0, BINS + 1), value, group=name))
    return Figure(
        f"{AMONG} responses, by difficulty",
        Axis("difficulty", "fifth of the problems", log=False),
        _right(),
        tuple(layers),
        "Means over seeds; 1 is the fifth that plain samples solve most.",
    )


def _forced(seeds: Sequence[Seed]) -> list[Figure]:
    """Return accuracy against the limit that cuts off, and against tokens as attempts are added."""
    if FORCED not in seeds[0].strategies:
        return []
    caption = f"The last answer of a response: {over(seeds)}."
    figures_ = []
    if limits := limited(seeds[0]):
        x = np.array([float(limit_of(n)) for n in limits])
        free = np.full(2, _mean_of(seeds, FORCED).value)
        layers = (*_drawn("cut off", x, seeds, limits), Line("no limit", x[[0, -1]], free))
        axis = Axis("limit of thinking", "tokens", log=False)
        figures_.append(Figure("Responses cut short", axis, _right(), layers, caption))
    if more := extended(seeds[0]):
        names: list[Strategy] = [FORCED, *more]
        x = np.array(
            [np.mean([s.strategies[n].tokens.mean() for s in seeds]) for n in names], float
        )
        axis = Axis.of("thinking", log=False)
        layers = tuple(_drawn("the last attempt", x, seeds, names))
        caption += " The first point is unforced."
        figures_.append(Figure("More attempts, forced", axis, _right(), layers, caption))
    return figures_


def _drawn(label: str, x: Numbers, seeds: Sequence[Seed], names: Sequence[Strategy]) -> list[Layer]:
    means = [_mean_of(seeds, name) for name in names]
    value = np.array([m.value for m in means])
    return [*_banded(label, x, value, means), Points(label, x, value, group=label)]


def _mean_of(seeds: Sequence[Seed], name: Strategy) -> Mean:
    return Mean.of([s.strategies[name].right.mean() for s in seeds])


def _right() -> Axis:
    return Axis("problems answered rightly", "share", log=False)
