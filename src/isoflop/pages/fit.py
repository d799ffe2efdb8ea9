"""A law through runs, with intervals, and how far it can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.pages.laws import formula
from isoflop.pages.provenance import dropped, noted, unit_of
from isoflop.quantities import quantity
from isoflop.report import Block, Heading, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Binding


BUDGETS = (0.1, 1.0, 10.0, 100.0)  # times the largest of the runs


def described(made: Fit[Any]) -> Report:
    """Return a fit as a report: trust first, then numbers, then figures."""
    from isoflop.pages.fit_figures import pictures

    good = [Note("the fit can be trusted as far as its runs reach", "good")]
    blocks: list[Block] = [
        *(good if made.status == "ok" else ()),
        *noted(made, made.notes),
        Paragraph(written(made.binding)),
        parameters(made),
        quality(made),
        *best_splits(made),
    ]
    if made.status != "refused":
        blocks += [Heading("Figures"), *pictures(made)]
    title = f"{made.law.key} fitted to {len(made.runs):,} runs of {made.runs.origin}"
    return Report(title, tuple(blocks), as_data(made), refused=made.status == "refused")


def written(binding: Binding) -> str:
    """Return the formula of a law, and what its open symbols stand for."""
    pairs = zip(
        (*binding.form.takes, binding.form.predicts),
        (*binding.takes, binding.predicts),
        strict=True,
    )
    bound = [f"{symbol} is {other}" for symbol, other in pairs if symbol != other]
    return formula(binding.form) + (f", where {' and '.join(bound)}" if bound else "")


def parameters(made: Fit[Any]) -> Table:
    """Return the parameters with their intervals and units."""
    rows = []
    for name, parameter in made.law.params.items():
        ends = (None, None) if name in made.fixed else _interval(made, name)
        held = "fixed" if name in made.fixed else "fitted"
        unit = in_units_of(made, parameter.unit)
        rows.append((name, getattr(made.law, name), *ends, unit, held))
    columns = ("parameter", "value", "low", "high", "unit", "is")
    caption = f"low and high hold {made.level:.0%} of the draws" if made.draws is not None else ""
    return Table(columns, tuple(rows), caption)


def in_units_of(made: Fit[Any], unit: str) -> str:
    """Return the unit of a parameter with that of the loss as the runs have it.

    A law that leaves its symbols open has its units in terms of what they are bound to.
    """
    binding = made.binding
    pairs = zip(
        (*binding.form.takes, binding.form.predicts),
        (*binding.takes, binding.predicts),
        strict=True,
    )
    stated = {quantity(symbol).unit: unit_of(made, other) for symbol, other in pairs}
    parts = (part.partition("^") for part in unit.split(" * "))
    return " * ".join(stated.get(base, base) + sign + power for base, sign, power in parts)


def quality(made: Fit[Any]) -> Table:
    """Return how well the law follows the runs, and how it was found."""
    from isoflop.pages.fit_figures import percent

    left = percent(made)
    unit = "%" if made.kind == "log" else " in the unit of the output"
    rows = (
        ("runs", str(len(made.runs))),
        ("left over, root mean square", f"{np.sqrt((left**2).mean()):.3g}{unit}"),
        ("left over, largest", f"{np.abs(left).max():.3g}{unit}"),
        ("objective", f"{_objective(made)} of {made.kind} residuals: {made.value:.8g}"),
        ("starts that agree", f"{made.starts.agree} of {made.starts.polished} polished"),
        ("draws", _draws(made)),
        ("time", f"{made.seconds:.2g} s"),
    )
    return Table(("fit", ""), rows)


def best_splits(made: Fit[Any]) -> tuple[Block, ...]:
    """Return the best N and D at a few budgets, for a law that has them."""
    from isoflop.errors import NoOptimum, RefusedByData
    from isoflop.plan import spend

    if set(made.binding.takes) != {"N", "D"}:
        return ()
    with np.errstate(over="ignore"):
        largest = float((6 * made.runs["N"] * made.runs["D"]).max())
    if not 0 < largest * BUDGETS[-1] < np.inf:
        return (Note(f"no best N and D: C = 6ND of the runs reaches {largest:g}, no number"),)
    rows = []
    try:
        for factor in BUDGETS:
            p = spend(made, factor * largest)
            rows.append(
                (
                    p.C.value,
                    factor,
                    p.N.value,
                    p.N.low,
                    p.N.high,
                    p.D.value,
                    p.D.value / p.N.value,
                    p.L.value,
                )
            )
    except (NoOptimum, RefusedByData) as reason:
        return (Note(f"no best N and D: {reason}"),)
    columns = ("C = 6ND", "times the runs", "N", "low", "high", "D", "D/N", "L")
    return (Table(columns, tuple(rows), "The best split of a budget; low and high are of N."),)


def as_data(made: Fit[Any]) -> dict[str, Any]:
    """Return a fit as JSON types."""
    intervals = {name: list(_interval(made, name)) for name in made.free}
    return {
        "law": made.law.key,
        "takes": list(made.binding.takes),
        "predicts": made.binding.predicts,
        "params": {name: float(value) for name, value in made.law.values.items()},
        "intervals": intervals,
        "fixed": list(made.fixed),
        "level": made.level,
        "objective": {
            "name": made.objective.name,
            "delta": made.objective.delta,
            "value": made.value,
        },
        "starts": made.starts._asdict(),
        "status": made.status,
        "notes": list(made.notes),
        "runs": {"n": len(made.runs), "dropped": dropped(made.runs)},
        "seconds": made.seconds,
    }


def _interval(made: Fit[Any], name: str) -> tuple[float | None, float | None]:
    """Return the ends of an interval; None without draws."""
    low, high = made.interval(name)
    return (low, high) if np.isfinite([low, high]).all() else (None, None)


def _objective(made: Fit[Any]) -> str:
    delta = made.objective.delta
    return made.objective.name if delta is None else f"{made.objective.name}({delta:g})"


def _draws(made: Fit[Any]) -> str:
    count = made.draws.members if made.draws is not None else 0
    return f"{count:,}, {made.resampling}" if count else "none, so no intervals"
