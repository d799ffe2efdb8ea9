"""Figures of over-optimisation: gold and proxy against root KL, and gold against n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from isoflop.arrays import Numbers
from isoflop.report import Axis, Band, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.assess.reward.evidence import RewardInput
    from isoflop.assess.reward.guard import Guard
    from isoflop.assess.reward.overoptimisation import Overoptimisation

Item = TypeVar("Item")

AHEAD = 1.4  # how far beyond the largest d laws are drawn
STEPS = 80
MOST = 6  # proxies that one figure can show
TOP = 3.0  # times the largest gain that a band is drawn to
_GAIN = Axis("R: gain in gold over the initial policy", "reward", log=False)
_OWN = Axis("R: gain in the proxy's score, on gold's scale", "reward", log=False)
_N = Axis("n: samples of which the best is taken", "samples")


def against_kl(read: RewardInput, fits: Mapping[str, Overoptimisation]) -> tuple[Figure, ...]:
    """Return gold as measured, its law with a band and its peak, and the proxy's own score."""
    parts = _parts(list(fits))
    return tuple(
        _against_kl(read, {name: fits[name] for name in part}, _which(i, len(parts)))
        for i, part in enumerate(parts)
    )


def _parts(items: Sequence[Item]) -> list[Sequence[Item]]:
    """Return as many together as one figure can show."""
    return [items[i : i + MOST] for i in range(0, len(items), MOST)]


def _which(index: int, count: int) -> str:
    return f", {index + 1} of {count}" if count > 1 else ""


def _against_kl(read: RewardInput, fits: Mapping[str, Overoptimisation], which: str) -> Figure:
    layers: list[Layer] = []
    furthest = max(f.furthest for f in fits.values())
    for name, one in fits.items():
        grid = np.linspace(0.02, AHEAD, STEPS) * one.furthest
        low, high = _band(one, grid)
        layers.append(Band(f"{one.level:.0%} of {name}", grid, low, high, group=name))
        layers.append(Line(f"{name}, {one.form}", grid, one.law(d=grid), group=name))
        layers.append(Points(f"{name}, measured", one.evidence.d, one.evidence.R, group=name))
        if one.peak_at.value <= grid[-1]:
            peak = np.array([one.peak_at.value]), np.array([one.peak.value])
            layers.append(Points(f"{name}, peak", *peak, "best", group=name))
        if name in read.factors:
            curve = read.curves[name]
            score = curve.score * read.factors[name]
            layers.append(Line(f"{name}, as it scores itself", curve.d, score, "rival", group=name))
    remark = (
        " Thin lines are what the proxy says of itself, on gold's scale." if read.factors else ""
    )
    return Figure(
        f"{read.reward} against root KL, {read.what}{which}",
        Axis.of("d", log=False),
        _GAIN if read.of == "gold" else _OWN,
        tuple(layers),
        f"Points are measured; bands are draws of the law, carried beyond the data.{remark}",
        furthest,
    )


def against_n(
    guards: Sequence[Guard], title: str = "True reward of best-of-n"
) -> tuple[Figure, ...]:
    """Return gold against n as measured with its error, by proxy, and the peak of each law."""
    parts = _parts(guards)
    return tuple(
        _against_n(part, f"{title}{_which(i, len(parts))}") for i, part in enumerate(parts)
    )


def _against_n(guards: Sequence[Guard], title: str) -> Figure:
    from isoflop.assess.reward.overoptimisation import tails

    layers: list[Layer] = []
    for g in guards:
        shares = tails(g.fit.level, len(g.curves.gold_pg))
        low, high = np.quantile(g.curves.drawn(400), shares, axis=0)
        n = g.curves.n.astype(float)
        layers.append(Band(f"{g.fit.level:.0%} of {g.proxy}", n, low, high, group=g.proxy))
        layers.append(Points(f"{g.proxy}, measured", n, g.curves.gold, group=g.proxy))
        layers.append(
            Line(f"{g.proxy}, {g.fit.form}", n[1:], g.fit.law(d=g.curves.d[1:]), group=g.proxy)
        )
        if g.n.value <= g.most:
            peak = np.array([g.n.value]), np.array([g.fit.peak.value])
            layers.append(Points(f"{g.proxy}, peak", *peak, "best", group=g.proxy))
    return Figure(
        title,
        _N,
        _GAIN,
        tuple(layers),
        "Bands hold the scatter over prompts. Right of a peak, a larger n buys a higher score and "
        "less reward.",
    )


def _band(one: Overoptimisation, grid: Numbers) -> tuple[Numbers, Numbers]:
    """Return the ends of the draws along d, held within what a reader can see."""
    from isoflop.assess.reward.overoptimisation import tails

    shares = tails(one.level, one.evidence.units)
    low, high = np.quantile(one.draws(d=grid), shares, axis=0)
    most = TOP * np.abs(one.evidence.R).max()
    return np.clip(low, -most, most), np.clip(high, -most, most)
