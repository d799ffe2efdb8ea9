"""Pictures of test-time compute: curves over k, forecasts, policies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isoflop.report import Axis, Band, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.assess.coverage.extrapolation import CoverageFit
    from isoflop.plan.sampling.policy import SamplingPolicy
    from isoflop.plan.sampling.strategy_runs import StrategyRun
    from isoflop.samples.cost_axis import CostAxis
    from isoflop.samples.curves import SampleCurve


SHARE = Axis("share of problems solved", "1", log=False)


OVER = {
    "samples": Axis.of("k"),
    "flop": Axis("compute per problem", "FLOP"),
    "tokens": Axis.of("thinking"),
    "seconds": Axis("time per problem", "seconds"),
    "dollars": Axis("price per problem", "dollars"),
}


def over_cost(
    curves: Sequence[SampleCurve], axis: CostAxis, rans: Sequence[StrategyRun], level: float
) -> Figure:
    """Return every curve of a bank over what its samples cost, and the strategies that were run."""
    layers: list[Layer] = []
    for c in curves:
        x = axis.of(c)
        if np.isfinite(c.low).all():
            layers.append(Band(f"{level:.0%} of {c.name}", x, c.low, c.high, group=c.name))
        layers.append(Line(c.name, x, c.value, group=c.name))
        layers.append(Points(f"{c.name}, at k", x, c.value, group=c.name))
    if axis.unit != "samples":
        layers += _strategies(rans)
    return Figure(
        "What k samples solve",
        OVER[axis.unit],
        SHARE,
        tuple(layers),
        "Every point uses every sample of the bank; bands are of draws of problems.",
    )


def _strategies(rans: Sequence[StrategyRun]) -> list[Layer]:
    """Return the strategies that were run as points, at what a run of each cost."""
    priced = [r for r in rans if r.cost]
    if not priced:
        return []
    x, y = np.array([r.cost for r in priced], float), np.array([r.score for r in priced])
    names = tuple(r.name for r in priced)
    return [Points("strategies that were run", x, y, "truth", hover=names, labels=names)]


def straightness(curve: SampleCurve) -> Figure:
    """Return -log coverage over k on logs: a power law is a straight line here."""
    inside = (curve.value > 0) & (curve.value < 1)
    y = -np.log(curve.value[inside])
    layers: list[Layer] = [
        Line("coverage", curve.k[inside], y, group="coverage"),
        Points("coverage, at k", curve.k[inside], y, group="coverage"),
    ]
    ends = inside & (curve.low > 0) & (curve.high < 1)
    if ends.any():
        low, high = -np.log(curve.high[ends]), -np.log(curve.low[ends])
        layers.insert(0, Band("interval", curve.k[ends], low, high, group="coverage"))
    return Figure(
        "Is coverage a power law?",
        Axis.of("k"),
        Axis("-log coverage", "nats"),
        tuple(layers),
        "A power law is a straight line here; a bend says that it is none.",
    )


def forecast(curve: SampleCurve, fits: Sequence[CoverageFit], to: float) -> Figure:
    """Return the coverage that was seen, the laws through it, and where extrapolation begins."""
    k = np.geomspace(1, to, 60)
    best = fits[0]
    beyond = np.geomspace(best.samples, to, 40)
    low, high = best.interval(beyond)
    name = f"{best.level:.0%} of {best.way.name}"
    layers: list[Layer] = [Band(name, beyond, low, high, group="best")]
    layers.append(Line(best.way.name, k, best.predict(k), group="best"))
    layers += [Line(f.way.name, k, f.predict(k), "rival", group=f.way.name) for f in fits[1:]]
    layers.append(Points("coverage of the bank", curve.k, curve.value, group="bank"))
    return Figure(
        "Coverage, and where it goes",
        Axis.of("k"),
        Axis.of("coverage", log=False),
        tuple(layers),
        "The way that forecast best is drawn with its interval: of the same problems, with the "
        "error that its backtest showed.",
        float(curve.k[-1]),
    )


def of_policy(policy: SamplingPolicy, unit: str) -> Figure:
    """Return the policy and its baseline over budgets."""
    budget = np.array([b.budget for b in policy.budgets])
    score = np.array([b.score for b in policy.budgets])
    base = np.array([b.baseline for b in policy.budgets])
    low, high = np.array([b.score_ends for b in policy.budgets]).T
    layers: list[Layer] = [
        Band(f"{policy.level:.0%} of the policy", budget, low, high, group="policy"),
        Line("policy", budget, score, group="policy"),
        Points("policy, at a budget", budget, score, group="policy"),
        Line(policy.baseline, budget, base, "reference", group="baseline"),
    ]
    return Figure(
        "The policy against its baseline at equal compute",
        Axis("budget per problem", unit),
        SHARE,
        tuple(layers),
        "The policy is scored on problems that had no say in its choices; the baseline at the "
        "best k that the budget pays for. The band is of problems drawn anew, which would move "
        "both lines together.",
    )
