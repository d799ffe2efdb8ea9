"""Ways to forecast a score, held against the larger runs that they were not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.backtest import SPARE, Candidate
from isoflop.assess.extrapolation.backtest import backtest as test_laws
from isoflop.assess.extrapolation.calibration import growth, said
from isoflop.assess.extrapolation.splits import Split, level, reach, splits
from isoflop.downstream.chain import LINK, chain, refuse_no_shares
from isoflop.errors import RefusedByData
from isoflop.fitting import fit
from isoflop.law import Binding, form
from isoflop.runs import Runs

Predictor: TypeAlias = Callable[[Runs], Numbers]

TWO_STEP, C_ONLY, ONE_STEP = "two steps", "two steps, of C alone", "one step"
QUICK: Mapping[str, Any] = {"draws": 0, "screened": 256, "polished": 8}


@dataclass(frozen=True)
class DownstreamMethod:
    """How scores are forecast: the law of the first step and the link, or a law of the score.

    `fix` pins parameters of the link.
    """

    name: str
    law: str
    over: str | None = None
    link: str | None = LINK
    fix: Mapping[str, float] = field(default_factory=dict)

    @property
    def takes(self) -> tuple[str, ...]:
        """The quantities from which it forecasts."""
        return Binding(form(self.law), self.over).takes

    def fitted(self, runs: Runs, chance: float | None) -> Predictor:
        """Return what this way, fitted to runs, says of others: a score (n,) each."""
        if self.link is None:
            pins = {} if chance is None else {"floor": chance}
            one = fit(self.law, runs, over=self.over, fix=pins, objective="squared", **QUICK)
            return lambda others: one.predict(**{s: others[s] for s in self.takes})
        model = chain(
            runs, law=self.law, over=self.over, link=self.link, chance=chance, fix=self.fix, draws=0
        )
        return lambda others: model.predict(**{s: others[s] for s in self.takes})


@dataclass(frozen=True, eq=False)
class Missed:
    """What one way said of the runs that a split held out: its score less theirs (k,).

    `ratio` (k,) is how far beyond the split a run lies; `truth` (k,) is its score.
    """

    way: DownstreamMethod
    split: Split
    error: Numbers
    ratio: Numbers
    truth: Numbers


def ways(
    runs: Runs,
    law: str,
    over: str | None,
    link: str = LINK,
    fix: Mapping[str, float] | None = None,
) -> tuple[DownstreamMethod, ...]:
    """Return the way that was chosen and the baselines that these runs can feed."""
    chosen = DownstreamMethod(TWO_STEP, law, over, link, fix or {})
    others = [DownstreamMethod(C_ONLY, "power", "C", link, fix or {})]
    if {"N", "D"} <= set(runs.columns):
        others.append(DownstreamMethod(ONE_STEP, "downstream-direct", None, None))
    return (chosen, *(w for w in others if (w.law, w.over) != (law, over)))


def backtest(
    runs: Runs, candidates: Sequence[DownstreamMethod], chance: float | None, cuts: int = 3
) -> tuple[Missed, ...]:
    """Return how far every way misses the scores of runs beyond cuts in compute.

    A way that a split cannot feed is left out of that split.
    Raises CannotFit if no split leaves enough runs.
    """
    refuse_no_shares(runs)
    whole = _complete(runs, candidates)
    takes = sorted({s for w in candidates for s in w.takes})
    needed = SPARE + min(len(form(w.law).params) for w in candidates)
    out = []
    for split in splits(whole, ("C",), cuts, takes, needed):
        train, held_out = whole[split.train], whole[~split.train]
        for way in candidates:
            try:
                value = way.fitted(train, chance)(held_out)
            except RefusedByData:
                continue
            ratio = reach({s: train[s] for s in way.takes}, {s: held_out[s] for s in way.takes})
            out.append(Missed(way, split, value - held_out["score"], ratio, held_out["score"]))
    return tuple(out)


def rms(missed: Sequence[Missed], way: DownstreamMethod) -> float:
    """Return the root of the mean over splits of the mean squared errors; NaN without any."""
    squares = [float((m.error**2).mean()) for m in missed if m.way == way]
    return float(np.sqrt(np.mean(squares))) if squares else float("nan")


def nearest(missed: Sequence[Missed], way: DownstreamMethod) -> tuple[Missed, ...]:
    """Return what a way said of the largest runs, fitted to all others; empty without any."""
    mine = [m for m in missed if m.way == way]
    return (max(mine, key=lambda m: m.split.cut),) if mine else ()


def loss_growth(runs: Runs, way: DownstreamMethod) -> float | None:
    """Return what the form of the first step errs per factor e beyond its runs.

    None if the runs allow no backtest of it.
    """
    candidate = Candidate(way.law, over=way.over, predicts="L" if way.over else None)
    try:
        test = test_laws([candidate], _complete(runs, [way]), draws=0)
    except RefusedByData:
        return None
    return growth([said(h) for h in test.of(candidate)])


def _complete(runs: Runs, candidates: Sequence[DownstreamMethod]) -> Runs:
    """Return the runs that have a compute, a loss and a score, and all that these ways take."""
    C = level(runs, "C") if "C" in runs or {"N", "D"} <= set(runs.columns) else None
    table = runs if C is None else replace(runs, columns={**runs.columns, "C": C})
    needed = {"L", "score", "C", *(s for w in candidates for s in w.takes)}
    return table.select(np.all([np.isfinite(table[s]) for s in sorted(needed)], axis=0))
