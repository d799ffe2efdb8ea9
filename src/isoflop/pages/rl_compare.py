"""What a change of recipe moved, the ceiling or the way to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from isoflop.assess.reward.curve import RewardCurve
from isoflop.assess.reward.recipes import Crossing, Pair
from isoflop.monitor.reward_curves import RecipeComparison
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.pages.rl_fit import ceiling, finite, formula, parameters, start_blocks, trust
from isoflop.quantities import quantity, show
from isoflop.report import Block, Cell, Heading, Remark, Report, Table, note_blocks

MEANS = {
    "ceiling": "the change moved the ceiling; how it gets there did not change measurably",
    "efficiency": "the change moved the efficiency: the ceilings agree, the way to them does not",
    "both": "the change moved both the ceiling and the way to it",
    "neither": "no difference could be measured",
    "unknown": "the ceilings are not known yet, so neither is what the change moved: train on",
}
MOST = 3  # recipes that the first sentence speaks of


@shows(RecipeComparison)
def page_of(result: RecipeComparison) -> Report:
    """Return recipes side by side: what a change moved, where curves cross, and figures."""
    from isoflop.pages.rl_figures import curves as drawn
    from isoflop.pages.rl_figures import efficiency

    logs, pairs, curves = result.logs, result.pairs, list(result.curves.values())
    blocks: list[Block] = [
        *note_blocks(result.notes),
        *(Remark(verdict(p), "doubt" if p.verdict == "unknown" else "info") for p in pairs),
        *start_blocks(logs),
        *(block for curve in curves for block in trust(curve)),
        formula(logs.over),
        parameters(curves, result.level),
        differences(pairs, result.level),
        crossings(pairs, logs.over, result.level),
        Heading("Figures"),
        drawn(curves),
        efficiency(curves),
    ]
    data = {
        "over": logs.over,
        "unit": quantity(logs.over).unit,
        "level": result.level,
        "recipes": {c.recipe: curve_data(c) for c in curves},
        "pairs": [as_data(p) for p in pairs],
    }
    title = f"{len(curves)} recipes compared"
    return Report(title, tuple(blocks), data, answer=answered(_answer(result), blocks))


def _answer(result: RecipeComparison) -> str:
    """Return what the first change moved, and the ceilings."""
    first = verdict(result.pairs[0])
    ceilings = ", ".join(map(ceiling, list(result.curves.values())[:MOST]))
    return f"{first[0].upper()}{first[1:]}; {ceilings}"


def verdict(pair: Pair) -> str:
    """Return the answer in a sentence."""
    head = f"from {pair.first.recipe} to {pair.second.recipe}: {MEANS[pair.verdict]}"
    cross, unit = pair.crossing, quantity(pair.first.over).unit
    if cross.at is None or cross.interval is None:
        return head
    word = "overtakes" if cross.overtakes else "falls behind"
    ends = f"{show(cross.interval.low)} to {show(cross.interval.high)}"
    who = f"{pair.second.recipe} {word} {pair.first.recipe}"
    return f"{head}; {who} at {show(cross.at)} {unit} ({ends})"


def differences(pairs: Sequence[Pair], level: float) -> Table:
    """Return how pairs of recipes differ in ceiling and in efficiency."""
    rows: list[tuple[Cell, ...]] = []
    for p in pairs:
        names = f"{p.second.recipe} - {p.first.recipe}"
        gap = float(p.second.law.A - p.first.law.A)
        rows.append((names, "A", gap, *p.ceilings, "agree" if p.agree else "differ"))
        if p.alike is not None and p.steepness is not None:
            steeper = float(p.alike[1].law.B - p.alike[0].law.B)
            rows.append((names, "B, with A shared", steeper, *p.steepness, _sign(p.steepness)))
        rows.append((names, "log2 of C_mid", _middle(p), *p.sooner, _sign(p.sooner)))
    return Table(
        ("recipes", "difference of", "value", "low", "high", "is"),
        tuple(rows),
        f"{level:.0%} intervals, of evaluations and, where there are several, of runs. Ceilings "
        "within .02 of each other are taken for equal; log2 of C_mid is 1 where the second needs "
        "twice the compute to half of its gain.",
    )


def _middle(pair: Pair) -> float:
    first, second = pair.alike or (pair.first, pair.second)
    return math.log2(float(second.law.C_mid) / float(first.law.C_mid))


def _sign(interval: tuple[float, float]) -> str:
    low, high = interval
    return "cannot be told from 0" if low <= 0 <= high else "is real"


def crossings(pairs: Sequence[Pair], over: str, level: float) -> Table:
    """Return at which compute one recipe overtakes another."""
    rows: list[tuple[Cell, ...]] = []
    for p in pairs:
        c = p.crossing
        low, high = (None, None) if c.interval is None else c.interval
        way = "overtakes" if c.overtakes else "falls behind"
        rows.append((p.second.recipe, way, p.first.recipe, c.at, low, high, f"{c.share:.0%}"))
    return Table(
        ("recipe", "", "recipe", f"at [{quantity(over).unit}]", "low", "high", "draws that cross"),
        tuple(rows),
        f"The last crossing of the curves, up to 100 times the evaluations; {level:.0%} of the "
        "draws that cross. Beyond the evaluations it rests on the sigmoid.",
    )


def curve_data(curve: RewardCurve) -> dict[str, Any]:
    """Return a reward curve as JSON types."""
    return {
        "parameters": {k: float(v) for k, v in curve.law.values.items()},
        "intervals": {k: [finite(e) for e in v] for k, v in curve.intervals.items()},
        "ceiling_is": curve.known,
        "reach": curve.reach,
        "says": curve.says,
    }


def as_data(pair: Pair) -> dict[str, Any]:
    """Return a pair of recipes as JSON types."""
    cross: Crossing = pair.crossing
    return {
        "first": pair.first.recipe,
        "second": pair.second.recipe,
        "verdict": pair.verdict,
        "means": MEANS[pair.verdict],
        "A": {"difference": list(pair.ceilings), "agree": pair.agree},
        "B": None
        if pair.alike is None or pair.steepness is None
        else {
            "difference": list(pair.steepness),
            "A": float(pair.alike[0].law.A),
            "first": float(pair.alike[0].law.B),
            "second": float(pair.alike[1].law.B),
        },
        "log2_C_mid": list(pair.sooner),
        "crossing": {
            "at": cross.at,
            "interval": None if cross.interval is None else list(cross.interval),
            "share": cross.share,
            "overtakes": cross.overtakes,
        },
    }
