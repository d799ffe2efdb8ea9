"""speedup: how much less compute one recipe needs than another for the same loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from isoflop.commands.inputs import Columns, Convention, Derive, Reading, Unit, Where
from isoflop.commands.registry import Option, command
from isoflop.errors import amount
from isoflop.quantities import show
from isoflop.report import Axis, Block, Figure, Line, Note, Paragraph, Points, Report, Table

if TYPE_CHECKING:
    from isoflop.assess.speedup import Multiplier, Speedup, Variant
    from isoflop.runs import Runs

STEPS = 60  # points of a line
AHEAD = 10.0  # how far lines are drawn beyond the runs

Floor = Annotated[
    Literal["shared", "free"], Option("whether the recipes share the irreducible loss E")
]
Exponent = Annotated[
    Literal["shared", "free"], Option("whether they share alpha, so that one number says all")
]
Pins = Annotated[Mapping[str, float] | None, Option("pin E or alpha, such as E=1.6", "NAME=NUMBER")]


@command(
    "speedup",
    example="isoflop speedup sample:tiny sample:tiny --where-a 'D > 10*N' --where-b 'D < 10*N'",
)
def speedup(
    a: Annotated[str, Option("the runs of recipe A, the baseline", "A")],
    b: Annotated[str, Option("the runs of recipe B", "B")],
    *,
    over: Annotated[str, Option("what is spent: C, or D, N, hours", "QUANTITY")] = "C",
    floor: Floor = "shared",
    exponent: Exponent = "shared",
    fix: Pins = None,
    draws: Annotated[int, Option("draws behind each interval")] = 1000,
    level: Annotated[float, Option("share of draws that an interval holds")] = 0.9,
    seed: Annotated[int, Option("of starting points and draws", "SEED")] = 0,
    where_a: Annotated[str | None, Option("keep the runs of A that meet this", "CONDITION")] = None,
    where_b: Annotated[str | None, Option("keep the runs of B that meet this", "CONDITION")] = None,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
    convention: Convention = None,
    unit: Unit = None,
) -> Report:
    """Compare two recipes by the compute they need for the same loss.

    The multiplier is how many times the compute of recipe B recipe A needs: above 1, B is the
    better recipe. Give each recipe's best runs at several budgets; both follow
    L = E + A / C^alpha. The answer tells whether the laws fit, and whether one multiplier holds
    at every loss.
    """
    from isoflop.assess.speedup import speedup as measure

    tables = [
        _with_compute(Reading(_both(where, own), columns, derive, convention, unit)(source))
        for source, own in ((a, where_a), (b, where_b))
    ]
    found = measure(
        *tables, over=over, floor=floor, exponent=exponent, fix=fix, draws=draws, level=level,
        seed=seed,
    )  # fmt: skip
    blocks: list[Block] = [
        *(
            Note(text, "doubt" if i < found.doubts else "info")
            for i, text in enumerate(found.notes)
        ),
        _answer(found, over),
        _variants(found),
        *_by_loss(found),
        _fit_quality(found),
        _figure(found, *tables),
    ]
    return Report("Effective speed-up of B over A", tuple(blocks), _data(found))


def _answer(found: Speedup, over: str) -> Paragraph:
    m = found.chosen.multiplier
    return Paragraph(
        f"Recipe B reaches a loss of {m.L:.4g} with {show(1 / m.value)} times the {over} of "
        f"recipe A: a multiplier of {show(m.value)} ({show(m.low)} to {show(m.high)} at "
        f"{found.level:.0%})."
    )


def _both(one: str | None, other: str | None) -> str | None:
    """Return the condition that runs meet which meet both."""
    return f"({one}) and ({other})" if one and other else one or other


def _with_compute(runs: Runs) -> Runs:
    missing = "C" not in runs and {"N", "D"} <= set(runs.columns)
    return runs.derive("C=6*N*D") if missing else runs


def _variants(found: Speedup) -> Table:
    rows = tuple(
        (
            " and ".join(v.shared) or "nothing", v.multiplier.value, v.multiplier.low,
            v.multiplier.high, v.p_value, "chosen" if v is found.chosen else "",
        )
        for v in found.variants
    )  # fmt: skip
    return Table(
        ("recipes share", "multiplier", "low", "high", "p", ""), rows,
        f"At the least loss that both reached, {found.chosen.multiplier.L:.4g}. A small p says "
        "that the recipes do not share what the row above has them share.",
    )  # fmt: skip


def _by_loss(found: Speedup) -> tuple[Table, ...]:
    """Return the multiplier over the losses that both reached, if it is not one number."""
    rows = tuple((m.L, m.value, m.low, m.high) for m in found.at)
    if np.ptp([m.value for m in found.at]) <= 1e-6 * found.chosen.multiplier.value:
        return ()
    columns = ("loss", "multiplier", "low", "high")
    return (Table(columns, rows, "Over the losses that both reached."),)


def _fit_quality(found: Speedup) -> Table:
    repeats = amount(found.replicates, "repeat", "repeats")
    against = repeats if found.replicates else "curvature in log compute"
    rows = (
        ("scatter of losses about the laws", f"{found.noise:.2%}"),
        (f"lack of fit, p against {against}", f"{found.lack_of_fit:.2g}"),
    )
    return Table(("fit", ""), rows)


def _figure(found: Speedup, A: Runs, B: Runs) -> Figure:
    layers: list[Any] = []
    top = AHEAD * max(float(A[found.over].max()), float(B[found.over].max()))
    for name, runs, law in (("A", A, found.chosen.laws[0]), ("B", B, found.chosen.laws[1])):
        x = np.geomspace(float(runs[found.over].min()), top, STEPS)
        layers += [
            Line(f"law of {name}", x, np.asarray(law(x=x)), group=name),
            Points(f"runs of {name}", runs[found.over], runs["L"], group=name),
        ]
    unit = A.conventions.get("L")
    return Figure(
        "Loss of both recipes", Axis.of(found.over), Axis.of("L", unit), tuple(layers),
        extrapolates_from=top / AHEAD,
    )  # fmt: skip


def _data(found: Speedup) -> dict[str, Any]:
    """Return the speed-up as JSON types."""
    return {
        "multiplier": _multiplier(found.chosen.multiplier),
        "level": found.level,
        "by_loss": [_multiplier(m) for m in found.at],
        "variants": [_variant(v) for v in found.variants],
        "lack_of_fit": found.lack_of_fit if np.isfinite(found.lack_of_fit) else None,
        "replicates": found.replicates,
        "noise": found.noise,
        "notes": list(found.notes),
    }


def _multiplier(m: Multiplier) -> dict[str, Any]:
    ends = {k: v if np.isfinite(v) else None for k, v in (("low", m.low), ("high", m.high))}
    return {"L": m.L, "value": m.value, **ends}


def _variant(v: Variant) -> dict[str, Any]:
    laws = [{k: float(x) for k, x in law.values.items()} for law in v.laws]
    return {
        "shared": list(v.shared),
        "A": laws[0],
        "B": laws[1],
        "multiplier": _multiplier(v.multiplier),
        "p": v.p_value,
    }
