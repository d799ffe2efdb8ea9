"""Gold against root KL for each proxy, the law chosen by held-out KL, and its peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isoflop.assess.reward.overoptimisation import Overoptimisation
from isoflop.assess.reward.reward_fits import RewardFits, SizeLaw
from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate, times_beyond
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Paragraph, Remark, Report, Table, note_blocks

_MEANT = {"gold": "gold", "proxy": "the proxy's own score, on gold's scale,"}
FEW = 3  # proxies that have a doubt each; of more it is said once


@shows(RewardFits)
def page_of(result: RewardFits) -> Report:
    """Return the law of each proxy: its peak, how it forecast larger KL, and figures."""
    from isoflop.pages.reward_figures import against_kl

    read, fits, level = result.read, result.fits, result.level
    blocks: list[Block] = [
        *doubts(fits),
        *note_blocks(read.notes),
        Paragraph(
            f"R is the gain in {_MEANT[read.of]} over the initial policy, d the root of the "
            "KL from it."
        ),
        *_laws(result),
        ahead(fits, level),
        choices(fits),
        *(_of_size(result.of_size) if result.of_size is not None else ()),
        Heading("Figures"),
        *against_kl(read, fits),
    ]
    points = sum(len(f.evidence.d) for f in fits.values())
    title = f"{read.reward} through {points:,} values of KL, {read.what}"
    return Report(title, tuple(blocks), data(result), answer=answered(_answer(result), blocks))


def data(result: RewardFits) -> dict[str, Any]:
    """Return the laws of proxies as JSON types."""
    of_size = result.of_size
    return {
        "what": result.read.what,
        "level": result.level,
        "notes": texts(result.read.notes),
        "proxies": {name: as_data(f) for name, f in result.fits.items()},
        "of_size": {}
        if of_size is None
        else {
            type(of_size.law).key: {
                name: [float(getattr(of_size.law, name)), *ends]
                for name, ends in of_size.intervals.items()
            }
        },
    }


def _answer(result: RewardFits) -> str:
    """Return where the reward of each proxy peaks."""
    parts = [_peak(name, f) for name, f in list(result.fits.items())[:FEW]]
    more = len(result.fits) - FEW
    rest = f"; {more} more proxies are below" if more > 0 else ""
    return f"{'; '.join(parts)}{rest}"


def _peak(name: str, f: Overoptimisation) -> str:
    if not np.isfinite(f.peak_at.value):
        return f"{name} has no peak of its reward in sight, seen to d = {show(f.furthest, 3)}"
    beyond = times_beyond(f.peak_at.value / f.furthest)
    ends = (f.peak_at.low, f.peak_at.high)
    return f"{name} peaks at d = {estimate(f.peak_at.value, *ends)} sqrt(nats){beyond}"


def _laws(result: RewardFits) -> tuple[Table, Table]:
    read, fits, level = result.read, result.fits, result.level
    laws: list[tuple[Cell, ...]] = []
    peaks: list[tuple[Cell, ...]] = []
    for name, f in fits.items():
        alpha, beta = (f.spread(lambda law, p=p: getattr(law, p)) for p in ("alpha_R", "beta_R"))
        gamma = f.law.values.get("gamma")
        laws.append((name, f.form, *alpha, *beta, None if gamma is None else float(gamma), f.r2))
        peaks.append(
            (name, f.evidence.size, *map(finite, f.peak_at), *map(finite, f.peak), f.furthest)
        )
    over = "prompts" if read.table else "evaluations"
    return (
        Table(
            ("proxy", "law", "alpha", "low", "high", "beta", "low", "high", "gamma", "R²"),
            tuple(laws),
            f"Intervals at {level:.0%}, over {over}.",
        ),
        Table(
            ("proxy", "params", "d*", "low", "high", "R*", "low", "high", "largest d"),
            tuple(peaks),
            "d* [sqrt(nats)] is where R peaks, R* its gain there; an empty cell is beyond any "
            "KL. Beyond the largest d that was seen, a peak is extrapolated.",
        ),
    )


def _of_size(size_law: SizeLaw) -> list[Block]:
    """Return one law for all sizes."""
    law = size_law.law
    rows: list[tuple[Cell, ...]] = [
        (name, float(getattr(law, name)), *size_law.intervals[name], parameter.unit)
        for name, parameter in type(law).params.items()
    ]
    caption = (
        f"{type(law).key}: one law for all sizes of proxy, at N = 1e8; its points lie "
        f"{size_law.rms:.3f} off (root mean square)."
    )
    return [Table(("parameter", "value", "low", "high", "unit"), tuple(rows), caption)]


def ahead(fits: Mapping[str, Overoptimisation], level: float) -> Table:
    """Return forecasts of larger KL from the lower half, beside what was measured."""
    rows: list[tuple[Cell, ...]] = []
    for name, f in fits.items():
        half = (None, None, None) if f.half is None else tuple(f.half)
        inside = f.half is not None and f.half.low <= f.actual <= f.half.high
        within = None if f.half is None else "yes" if inside else "no"
        rows.append((name, f.furthest, *half, f.actual, within))
    return Table(
        ("proxy", "at d", "forecast", "low", "high", "came", "within"),
        tuple(rows),
        f"Gain at the largest KL as forecast by the law from the lower half of d, {level:.0%} "
        "intervals of its parameters alone, and what came. An empty row has too few points there.",
    )


def choices(fits: Mapping[str, Overoptimisation]) -> Table:
    """Return the laws with their held-out errors, by proxy."""
    rows: list[tuple[Cell, ...]] = []
    for name, f in fits.items():
        for i, s in enumerate(f.standings):
            verdict = "best" if i == 0 else "tied with it" if s.tied else "worse"
            peak = finite(float(f.evidence.law(s.form).peak_at()))
            rows.append((name, s.form, s.rms, s.bias, peak, verdict))
    return Table(
        ("proxy", "law", "rms error", "bias", "its d*", "is"),
        tuple(rows),
        "Fitted to the lower 40-80% of d and held against the rest [reward]. Bias above zero "
        "promised too much. Tied: better in more than 5% of draws.",
    )


def doubts(fits: Mapping[str, Overoptimisation]) -> list[Remark]:
    """Return what speaks against the law of each proxy; what speaks against many, once."""
    notes = note_blocks(n.of(name) for name, f in fits.items() for n in f.notes)
    astray = {name: f for name, f in fits.items() if not f.follows}
    if len(astray) > FEW:
        r2 = [f.r2 for f in astray.values()]
        messages = (
            f"laws of {len(astray)} of {len(fits)} proxies do not follow their points (R^2 "
            f"{min(r2):.2f} to {max(r2):.2f}): those peaks are rough ones"
        )
        return [*notes, Remark(messages, "doubt")]
    return notes + [
        Remark(
            f"{name}: {f.form} does not follow the points (R^2 {f.r2:.2f}): its peak is a rough "
            "one",
            "doubt",
        )
        for name, f in astray.items()
    ]


def as_data(f: Overoptimisation) -> dict[str, Any]:
    """Return a fitted law as JSON types."""
    return {
        "form": f.form,
        "parameters": {k: float(v) for k, v in f.law.values.items()},
        "intervals": {
            k: [finite(x) for x in f.spread(lambda law, k=k: getattr(law, k))] for k in f.law.values
        },
        "peak_at": [finite(x) for x in f.peak_at],
        "peak": [finite(x) for x in f.peak],
        "r2": f.r2,
        "follows": f.follows,
        "size": f.evidence.size,
        "furthest": f.furthest,
        "half_range": None if f.half is None else [finite(x) for x in f.half],
        "actual": f.actual,
        "forms": [
            {"form": s.form, "rms": s.rms, "bias": s.bias, "better": s.better, "tied": s.tied}
            for s in f.standings
        ],
        "points": {"d": f.evidence.d.tolist(), "R": f.evidence.R.tolist()},
        "notes": texts(f.notes),
    }


def finite(value: float) -> float | None:
    """Return a number that JSON can hold, None for one that is infinite."""
    return float(value) if np.isfinite(value) else None
