"""rl compare: what a change of recipe moved, the ceiling or the way to it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from isoflop.commands.inputs import Columns, Derive, Reading, Source, Where
from isoflop.commands.registry import command
from isoflop.commands.rl.fit import finite, formula, parameters, trust
from isoflop.commands.rl.reading import (
    After,
    Draws,
    Level,
    Over,
    Range,
    Read,
    Seed,
    Start,
    fitted,
    read,
)
from isoflop.errors import UsageError
from isoflop.quantities import quantity, show
from isoflop.report import Block, Cell, Heading, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.assess.recipes import Crossing, Pair
    from isoflop.assess.reward_curve import RewardCurve

MEANS = {
    "ceiling": "the change moved the ceiling; how it gets there did not change measurably",
    "efficiency": "the change moved the efficiency: the ceilings agree, the way to them does not",
    "both": "the change moved both the ceiling and the way to it",
    "neither": "no difference could be measured",
    "unknown": "the ceilings are not known yet, so neither is what the change moved: train on",
}


@command("rl compare", example="isoflop rl compare sample:rl --after 1500")
def rl_compare(
    runs: Source,
    *,
    over: Over = None,
    start: Start = None,
    after: After = None,
    range_: Range = None,
    draws: Draws = 400,
    level: Level = 0.9,
    seed: Seed = 0,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
) -> Report:
    """Compare recipes of reinforcement learning: ceilings and efficiency.

    Gives A, B and C_mid side by side; where the ceilings agree, B is compared after both are
    fitted again with one A, as ScaleRL does. Says where the curves cross, with an interval, and
    whether the change moved the ceiling or the way to it. The label family tells recipes apart.
    """
    from isoflop.assess.recipes import compare_recipes

    found = read(runs, Reading(where, columns, derive), over=over, start=start, range_=range_)
    if len(found.by_recipe) < 2:
        raise UsageError(
            f"there is one recipe, {next(iter(found.by_recipe))!r}; label runs of several in a "
            "column family, or import them as RECIPE=LOG"
        )
    fits = fitted(found, after=after, draws=draws, level=level, seed=seed)
    pairs = [
        compare_recipes(a, b, found.by_recipe, found.starts)
        for a, b in itertools.combinations(fits.values(), 2)
    ]
    return _report(found, list(fits.values()), pairs, level)


def _report(found: Read, every: list[RewardCurve], pairs: list[Pair], level: float) -> Report:
    from isoflop.commands.rl.pictures import curves, efficiency

    blocks: list[Block] = [
        *(Note(_verdict(p), "doubt" if p.verdict == "unknown" else "info") for p in pairs),
        *found.named,
        *(block for curve in every for block in trust(curve)),
        formula(found.over),
        parameters(every, level),
        _differences(pairs, level),
        _crossings(pairs, found.over, level),
        Heading("Figures"),
        curves(every),
        efficiency(every),
    ]
    data = {
        "over": found.over, "unit": quantity(found.over).unit, "level": level,
        "recipes": {c.recipe: _curve_data(c) for c in every},
        "pairs": [_as_data(p) for p in pairs],
    }  # fmt: skip
    return Report(f"{len(every)} recipes compared", tuple(blocks), data)


def _verdict(pair: Pair) -> str:
    """Return the answer in a sentence."""
    head = f"from {pair.first.recipe} to {pair.second.recipe}: {MEANS[pair.verdict]}"
    cross, unit = pair.crossing, quantity(pair.first.over).unit
    if cross.at is None or cross.interval is None:
        return head
    word = "overtakes" if cross.overtakes else "falls behind"
    ends = f"{show(cross.interval.low)} to {show(cross.interval.high)}"
    who = f"{pair.second.recipe} {word} {pair.first.recipe}"
    return f"{head}; {who} at {show(cross.at)} {unit} ({ends})"


def _differences(pairs: list[Pair], level: float) -> Table:
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
        ("recipes", "difference of", "value", "low", "high", "is"), tuple(rows),
        f"{level:.0%} intervals, of evaluations and, where there are several, of runs. Ceilings "
        "within .02 of each other are taken for equal; log2 of C_mid is 1 where the second needs "
        "twice the compute to half of its gain.",
    )  # fmt: skip


def _middle(pair: Pair) -> float:
    import math

    first, second = pair.alike or (pair.first, pair.second)
    return math.log2(float(second.law.C_mid) / float(first.law.C_mid))


def _sign(interval: tuple[float, float]) -> str:
    low, high = interval
    return "cannot be told from 0" if low <= 0 <= high else "is real"


def _crossings(pairs: list[Pair], over: str, level: float) -> Table:
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


def _curve_data(curve: RewardCurve) -> dict[str, Any]:
    return {
        "parameters": {k: float(v) for k, v in curve.law.values.items()},
        "intervals": {k: [finite(e) for e in v] for k, v in curve.intervals.items()},
        "ceiling_is": curve.known, "reach": curve.reach, "says": curve.says,
    }  # fmt: skip


def _as_data(pair: Pair) -> dict[str, Any]:
    cross: Crossing = pair.crossing
    return {
        "first": pair.first.recipe, "second": pair.second.recipe, "verdict": pair.verdict,
        "means": MEANS[pair.verdict],
        "A": {"difference": list(pair.ceilings), "agree": pair.agree},
        "B": None if pair.alike is None or pair.steepness is None else {
            "difference": list(pair.steepness), "A": float(pair.alike[0].law.A),
            "first": float(pair.alike[0].law.B), "second": float(pair.alike[1].law.B),
        },
        "log2_C_mid": list(pair.sooner),
        "crossing": {
            "at": cross.at, "interval": None if cross.interval is None else list(cross.interval),
            "share": cross.share, "overtakes": cross.overtakes,
        },
    }  # fmt: skip
