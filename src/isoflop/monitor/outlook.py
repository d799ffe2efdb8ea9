"""Where a reward curve goes from here, by the form that forecast best, with its backtest's band."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from isoflop.assess.extrapolation.comparison import CandidateScore, Comparison
from isoflop.errors import CannotFit, RefusedByData
from isoflop.fitting import fit
from isoflop.forecasting import Forecast, forecast
from isoflop.options import IntervalOptions
from isoflop.runs import Runs

# What a run errs per factor e of compute beside what its backtest shows, while evaluations are few;
# of more, a backtest sees it. Set on the nine small runs of sample:rl-study: docs/rl.md.
DRIFT, FEW = 0.1, 16
NEAR = 2.0  # times the error of the best form up to which a form's forecast still counts


def outlook(
    comparison: Comparison,
    runs: Runs,
    over: str,
    to: float,
    *,
    after: float = 0.0,
    interval: IntervalOptions = IntervalOptions(draws=400),
) -> Forecast:
    """Return the reward at compute `to`, by the first form of a comparison (`choose`).

    The interval holds the scatter of its parameters, the noise of an evaluation, the error that
    later evaluations showed in the backtest, what runs drift besides (`DRIFT`, less where there
    are many evaluations), and what forms say that are tied with the first or erred at most `NEAR`
    times as much: a short curve hardly tells forms apart that part later.

    Raises RefusedByData where no form can be carried there.
    """
    selection = runs.select((runs[over] >= after) & (runs["R"] > 0))
    forecasts: list[Forecast] = []
    refused = ""
    for standing in comparison.standings:
        near = standing.rms <= NEAR * comparison.standings[0].rms
        if forecasts and not (standing.tied or near):
            continue
        try:
            forecasts.append(_forecast(standing, selection, over, to, interval))
        except RefusedByData as reason:
            refused = str(reason)
    if not forecasts:
        raise CannotFit(f"no form can be carried to {to:g}: {refused}")
    best = forecasts[0]
    low = min([best.low or best.value, *(f.value for f in forecasts)])
    high = max([best.high or best.value, *(f.value for f in forecasts)])
    parts = (*best.parts, "choice") if len(forecasts) > 1 else best.parts
    return replace(best, low=max(low, 0.0), high=min(high, 1.0), parts=parts)


def _forecast(
    standing: CandidateScore, runs: Runs, over: str, to: float, interval: IntervalOptions
) -> Forecast:
    c = standing.candidate
    law_fit = fit(
        c.law,
        runs,
        over=c.over,
        predicts=c.predicts,
        fix=c.fix,
        objective=c.objective,
        **asdict(interval),
    )
    drift = DRIFT * min(1.0, FEW / len(runs))
    return forecast(law_fit, growth=math.hypot(standing.growth, drift), **{over: to})
