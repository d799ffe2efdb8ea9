"""Figures of reward curves: rewards with their law and where it is carried, and efficiency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.quantities import quantity, show
from isoflop.report import Axis, Band, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.assess.reward.curve import RewardCurve
    from isoflop.assess.reward.isocompute import IsoCompute
    from isoflop.monitor import StopAdvice
    from isoflop.runs import Runs


AHEAD = 4.0  # how far beyond the evaluations curves are drawn
STEPS = 80


def curves(curves: Sequence[RewardCurve], factor: float = AHEAD) -> Figure:
    """Return the evaluations of every recipe, its sigmoid and a band of its draws."""
    over = curves[0].over
    furthest = max(c.furthest for c in curves)
    layers: list[Layer] = []
    for curve in curves:
        x, y = curve.fit.runs[over], curve.fit.runs["R"]
        grid = np.geomspace(float(x.min()), factor * furthest, STEPS)
        if curve.fit.draws is not None:
            low, high = _ends(curve.fit.draws(grid), curve.fit.level)
            name = f"{curve.fit.level:.0%} of {curve.recipe}"
            layers.append(Band(name, grid, low, high, group=curve.recipe))
        predicted = curve.fit.predict(**{over: grid})
        layers.append(Line(f"sigmoid of {curve.recipe}", grid, predicted, group=curve.recipe))
        layers.append(Points(curve.recipe, x, y, hover=_hover(curve.fit.runs), group=curve.recipe))
    return Figure(
        "Reward against compute",
        Axis.of(over),
        Axis.of("R", log=False),
        tuple(layers),
        "Bands hold the scatter of the draws alone; a forecast adds what held-out evaluations "
        "showed.",
        furthest,
    )


def efficiency(curves: Sequence[RewardCurve]) -> Figure:
    """Return F(R) against compute, in which every curve is a line of slope B."""
    over = curves[0].over
    layers: list[Layer] = []
    for curve in curves:
        law, x, R = curve.law, curve.fit.runs[over], curve.fit.runs["R"]
        if curve.fit.status == "refused":
            continue
        low, high = float(law.R_0), float(law.A)
        inside = (low + 0.02 * (high - low) < R) & (high - 0.02 * (high - low) > R)
        grid = np.geomspace(float(x.min()), curve.furthest, 2)
        slope = (grid / float(law.C_mid)) ** float(law.B)
        layers.append(Line(f"slope {law.B:.3g}", grid, slope, group=curve.recipe))
        F = 1 / ((high - low) / (R[inside] - low) - 1)
        layers.append(Points(curve.recipe, x[inside], F, group=curve.recipe))
    return Figure(
        "Efficiency: steeper is faster, further left is sooner",
        Axis.of(over),
        Axis("F / C_mid^B: gain so far over gain to come", "1"),
        tuple(layers),
        "F = C_mid^B / ((A - R_0) / (R - R_0) - 1), over C_mid^B: it is 1 half way up. Evaluations "
        "within 2% of either end are left out.",
    )


def forecast_of(advice: StopAdvice, runs: Runs) -> Figure:
    """Return a run so far, the curves that it may follow, and its target."""
    over, level = advice.over, 0.9
    low, high = _ends(advice.curves, level)
    middle = np.median(advice.curves, axis=0)
    end = np.array([float(advice.x[0]), advice.budget])
    return Figure(
        "The run, and where it may go",
        Axis.of(over),
        Axis.of("R", log=False),
        (
            Band(f"{level:.0%} of curves", advice.x, low, high, group="forecast"),
            Line("median curve", advice.x, middle, group="forecast"),
            Line("target", end, np.full(2, advice.target), "reference"),
            Points("evaluations", runs[over], runs["R"], hover=_hover(runs), group="run"),
        ),
        f"Curves weighed by the evaluations so far, to the budget of {show(advice.budget)} "
        f"{quantity(over).unit}.",
        float(runs[over].max()),
    )


def evidence_of(advice: StopAdvice, threshold: float) -> Figure:
    """Return the evidence against the target after every evaluation, and where it is enough."""
    at = np.array([look.at for look in advice.looks])
    against = np.clip([look.against for look in advice.looks], 1e-3, 1e6)
    return Figure(
        "Evidence against the target",
        Axis.of(advice.over),
        Axis("times likelier if the target is missed", "1"),
        (
            Line("enough to stop", at[[0, -1]], np.full(2, threshold), "reference"),
            Line("evidence", at, against, group="evidence"),
            Points("after each evaluation", at, against, group="evidence"),
        ),
        "Looked at after every evaluation; held between 1e-3 and 1e6 here.",
    )


def frontier(iso_compute: IsoCompute, runs: Runs) -> tuple[Figure, ...]:
    """Return the curves by responses per problem, and the best number along their envelope."""
    layers: list[Layer] = []
    for number, law in iso_compute.curves.items():
        mine = runs["group"] == number
        x = iso_compute.x[iso_compute.x <= runs[iso_compute.over][mine].max()]
        name = f"{number:g} responses"
        layers.append(Line(f"{name}, sigmoid", x, law(x), group=name))
        records = iso_compute.records["group"] == number
        layers.append(
            Points(
                name,
                iso_compute.records[iso_compute.over][records],
                iso_compute.records["R"][records],
                group=name,
            )
        )
    layers.append(Line("envelope", iso_compute.x, iso_compute.reward, "frontier", group="envelope"))
    rewards = Figure(
        "Records by responses per problem",
        Axis.of(iso_compute.over),
        Axis.of("R", log=False),
        tuple(layers),
        "Points are the first evaluations to enter a higher reward.",
    )
    numbers: list[Layer] = [
        Points("best on the envelope", iso_compute.x, iso_compute.best, group="best")
    ]
    numbers.append(
        Line("n* by compute", iso_compute.x, iso_compute.responses(iso_compute.x), group="law")
    )
    best = Figure(
        "How many responses per problem",
        Axis.of(iso_compute.over),
        Axis.of("group"),
        tuple(numbers),
    )
    return rewards, best


def _ends(draws_sk: Any, level: float) -> tuple[Numbers, Numbers]:
    low, high = np.nanquantile(draws_sk, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _hover(runs: Runs) -> tuple[str, ...]:
    names = runs.labels.get("run")
    return (
        tuple(f"{n}, row {r}" for n, r in zip(names, runs.rows, strict=True))
        if names is not None
        else ()
    )
