"""Two recipes of reinforcement learning side by side: ceilings, efficiency, their crossing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.reward.curve import RewardCurve, reward_curve
from isoflop.errors import UsageError
from isoflop.fitting import Interval, quantiles
from isoflop.runs import Runs

Verdict: TypeAlias = Literal["ceiling", "efficiency", "both", "neither", "unknown"]

# Ceilings that differ by less are held to be equal: three runs of one recipe differed by .015
# (Khatri et al. 2025, section 2.2).
MARGIN = 0.02
FURTHEST = 100.0  # times the compute of the runs up to which curves are followed to a crossing
POINTS = 400  # of the grid on which a crossing is looked for
CROSSES = 0.5  # share of draws that must cross for a crossing to be given


@dataclass(frozen=True, eq=False)
class Crossing:
    """Where the second recipe overtakes the first, or falls behind it.

    `at` and its interval are compute, of the draws that cross at all, which `share` of them do;
    all None where hardly any does. `overtakes` says that the second is better beyond.
    """

    at: float | None
    interval: Interval | None
    share: float
    overtakes: bool


@dataclass(frozen=True, eq=False)
class Pair:
    """Two recipes compared, each difference the second minus the first.

    `ceilings` is the interval of the difference of A. Where they agree, `alike` holds both
    curves fitted again with A at their mean, and `steepness` is the interval of the difference
    of B there; None where they do not. `sooner` is the interval of log2 of how many times the
    compute of the first the second needs to half of its gain.
    """

    first: RewardCurve
    second: RewardCurve
    ceilings: Interval
    agree: bool
    alike: tuple[RewardCurve, RewardCurve] | None
    steepness: Interval | None
    sooner: Interval
    crossing: Crossing
    verdict: Verdict


def compare_recipes(
    first: RewardCurve,
    second: RewardCurve,
    runs: Mapping[str, Runs],
    starts: Mapping[str, float | None],
) -> Pair:
    """Return two recipes side by side; `runs` and `starts` hold their evaluations and R_0.

    Raises UsageError for curves over different kinds of compute.
    """
    if first.over != second.over:
        raise UsageError(
            f"{first.recipe} is over {first.over} and {second.recipe} over {second.over}; compare "
            "recipes over one kind of compute"
        )
    ceilings = _difference(first, second, "A")
    gap = float(second.law.A - first.law.A)
    agree = abs(gap) <= MARGIN or ceilings.low <= 0 <= ceilings.high
    alike: tuple[RewardCurve, RewardCurve] | None = None
    steepness = None
    if agree and "unknown" not in (first.known, second.known):
        shared = float(first.law.A + second.law.A) / 2
        one, other = (_with_ceiling(c, shared, runs, starts) for c in (first, second))
        alike, steepness = (one, other), _difference(one, other, "B")
    sooner = _log_difference(*(alike or (first, second)))
    verdict = _verdict(first, second, agree, steepness, sooner)
    return Pair(
        first=first,
        second=second,
        ceilings=ceilings,
        agree=agree,
        alike=alike,
        steepness=steepness,
        sooner=sooner,
        crossing=crossing(first, second),
        verdict=verdict,
    )


def _with_ceiling(
    curve: RewardCurve,
    A: float,
    runs: Mapping[str, Runs],
    starts: Mapping[str, float | None],
) -> RewardCurve:
    """Return a recipe fitted again with its ceiling pinned."""
    name = curve.recipe
    return reward_curve(
        runs[name],
        curve.over,
        recipe=name,
        start=starts[name],
        after=curve.after,
        fix={"A": A},
        level=curve.fit.level,
        draws=0,
    )


def crossing(first: RewardCurve, second: RewardCurve) -> Crossing:
    """Return where two curves cross, beyond the first evaluations of both."""
    low = max(float(c.fit.runs[c.over].min()) for c in (first, second))
    high = FURTHEST * max(first.furthest, second.furthest)
    x = np.geomspace(low, high, POINTS)
    point = _crossed(
        x, second.fit.predict(**{first.over: x}) - first.fit.predict(**{first.over: x})
    )
    if first.fit.draws is None or second.fit.draws is None:
        raise UsageError("a crossing needs curves with draws")
    count = min(first.fit.draws.members or 1, second.fit.draws.members or 1)
    apart = second.fit.draws(x)[:count] - first.fit.draws(x)[:count]
    crossings = [_crossed(x, row) for row in apart]
    places = np.array([at for at, _ in crossings if at is not None])
    share = places.size / count
    if point[0] is None or share < CROSSES:
        return Crossing(None, None, share, bool(apart[:, -1].mean() > 0))
    return Crossing(point[0], quantiles(places, first.fit.level), share, point[1])


def _crossed(x: Numbers, apart: Numbers) -> tuple[float | None, bool]:
    """Return the last compute at which a difference changes sign, and whether it then rises."""
    sign = np.sign(apart)
    at = np.flatnonzero(sign[1:] * sign[:-1] < 0)
    if not at.size:
        return None, bool(apart[-1] > 0)
    i = int(at[-1])
    weight = apart[i] / (apart[i] - apart[i + 1])
    return float(np.exp(np.log(x[i]) + weight * np.log(x[i + 1] / x[i]))), bool(apart[i + 1] > 0)


def _ends(curve: RewardCurve, name: str, transform: Any = np.asarray) -> tuple[float, float, float]:
    """Return a parameter and its interval, widened by the spread between runs where it is known."""
    low, high = (float(transform(v)) for v in curve.intervals[name])
    value = float(transform(getattr(curve.law, name)))
    apart = [float(transform(getattr(law, name))) for law in curve.by_run.values()]
    if len(apart) < 2:
        return value, low, high
    from scipy.special import stdtrit

    t = float(stdtrit(len(apart) - 1, (1 + curve.fit.level) / 2))
    luck = t * float(np.std(apart, ddof=1)) / np.sqrt(len(apart))
    return value, value - np.hypot(value - low, luck), value + np.hypot(high - value, luck)


def _difference(
    first: RewardCurve, second: RewardCurve, name: str, transform: Any = np.asarray
) -> Interval:
    """Return the interval of the second's parameter minus the first's, from that of each.

    Source: Zou and Donner 2008, Statistics in Medicine 27(10): variances recovered from limits.
    """
    a, a_low, a_high = _ends(first, name, transform)
    b, b_low, b_high = _ends(second, name, transform)
    gap = b - a
    return Interval(
        float(gap - np.hypot(b - b_low, a_high - a)), float(gap + np.hypot(b_high - b, a - a_low))
    )


def _log_difference(first: RewardCurve, second: RewardCurve) -> Interval:
    return _difference(first, second, "C_mid", lambda v: np.log2(np.maximum(v, 1e-300)))


def _verdict(
    first: RewardCurve,
    second: RewardCurve,
    agree: bool,
    steepness: Interval | None,
    sooner: Interval,
) -> Verdict:
    """Return what the change from the first recipe to the second moved."""
    if "unknown" in (first.known, second.known):
        return "unknown"
    moved = any(i is not None and not i.low <= 0 <= i.high for i in (steepness, sooner))
    if agree:
        return "efficiency" if moved else "neither"
    # C_mid moves with the gain that it halves, so between ceilings only B is held against B.
    b = _difference(first, second, "B")
    return "ceiling" if b.low <= 0 <= b.high else "both"
