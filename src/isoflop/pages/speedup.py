"""How much less compute one recipe needs than another for the same loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.assess.speedup import Multiplier, Speedup, Variant
from isoflop.errors import amount, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.quantities import show
from isoflop.report import Axis, Block, Figure, Line, Points, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.runs import Runs


STEPS = 60  # points of a line

AHEAD = 10.0  # how far lines are drawn beyond the runs


@shows(Speedup)
def page_of(speedup: Speedup) -> Report:
    """Return a speed-up as a report: the multiplier, what it rests on, and both laws."""
    blocks: list[Block] = [
        *note_blocks(speedup.notes),
        variants(speedup),
        *by_loss(speedup),
        fit_quality(speedup),
        figure(speedup, *speedup.runs),
    ]
    answer = answered(answer_of(speedup), blocks)
    return Report("Effective speed-up of B over A", tuple(blocks), as_data(speedup), answer=answer)


def answer_of(speedup: Speedup) -> str:
    """Return the factor in compute that one set of runs saves over the other."""
    m = speedup.chosen.multiplier
    return (
        f"Recipe B reaches a loss of {m.L:.4g} with {show(1 / m.value)} times the {speedup.over} "
        f"of recipe A: a multiplier of {show(m.value)} ({show(m.low)} to {show(m.high)} at "
        f"{speedup.level:.0%})"
    )


def both_of(one: str | None, other: str | None) -> str | None:
    """Return the condition that runs meet which meet both."""
    return f"({one}) and ({other})" if one and other else one or other


def with_compute(runs: Runs) -> Runs:
    """Return runs with C, derived as 6ND where no column holds it."""
    missing = "C" not in runs and {"N", "D"} <= set(runs.columns)
    return runs.derive("C=6*N*D") if missing else runs


def variants(speedup: Speedup) -> Table:
    """Return the speed-up under each assumption about the shared parameters."""
    rows = tuple(
        (
            " and ".join(v.shared) or "nothing",
            v.multiplier.value,
            v.multiplier.low,
            v.multiplier.high,
            v.p_value,
            "chosen" if v is speedup.chosen else "",
        )
        for v in speedup.variants
    )
    return Table(
        ("recipes share", "multiplier", "low", "high", "p", ""),
        rows,
        f"At the least loss that both reached, {speedup.chosen.multiplier.L:.4g}. A small p says "
        "that the recipes do not share what the row above has them share.",
    )


def by_loss(speedup: Speedup) -> tuple[Table, ...]:
    """Return the multiplier over the losses that both reached, if it is not one number."""
    rows = tuple((m.L, m.value, m.low, m.high) for m in speedup.at)
    if np.ptp([m.value for m in speedup.at]) <= 1e-6 * speedup.chosen.multiplier.value:
        return ()
    columns = ("loss", "multiplier", "low", "high")
    return (Table(columns, rows, "Over the losses that both reached."),)


def fit_quality(speedup: Speedup) -> Table:
    """Return how well the two curves are fitted."""
    repeats = amount(speedup.replicates, "repeat", "repeats")
    against = repeats if speedup.replicates else "curvature in log compute"
    rows = (
        ("scatter of losses about the laws", f"{speedup.noise:.2%}"),
        (f"lack of fit, p against {against}", f"{speedup.lack_of_fit:.2g}"),
    )
    return Table(("fit", ""), rows)


def figure(speedup: Speedup, A: Runs, B: Runs) -> Figure:
    """Return both sets of runs with their curves."""
    layers: list[Any] = []
    top = AHEAD * max(float(A[speedup.over].max()), float(B[speedup.over].max()))
    for name, runs, law in (("A", A, speedup.chosen.laws[0]), ("B", B, speedup.chosen.laws[1])):
        x = np.geomspace(float(runs[speedup.over].min()), top, STEPS)
        layers += [
            Line(f"law of {name}", x, np.asarray(law(x=x)), group=name),
            Points(f"runs of {name}", runs[speedup.over], runs["L"], group=name),
        ]
    unit = A.conventions.get("L")
    return Figure(
        "Loss of both recipes",
        Axis.of(speedup.over),
        Axis.of("L", unit),
        tuple(layers),
        extrapolates_from=top / AHEAD,
    )


def as_data(speedup: Speedup) -> dict[str, Any]:
    """Return the speed-up as JSON types."""
    return {
        "multiplier": _multiplier(speedup.chosen.multiplier),
        "level": speedup.level,
        "by_loss": [_multiplier(m) for m in speedup.at],
        "variants": [_variant(v) for v in speedup.variants],
        "lack_of_fit": speedup.lack_of_fit if np.isfinite(speedup.lack_of_fit) else None,
        "replicates": speedup.replicates,
        "noise": speedup.noise,
        "notes": texts(speedup.notes),
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
