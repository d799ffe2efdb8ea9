"""plan and reach: the best run for a budget, and the cheapest run for a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from isoflop.commands.models import Level, Model, counted, described, model, noted
from isoflop.commands.registry import Option, command
from isoflop.report import Block, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan import Plan

Most = Annotated[
    Mapping[str, float] | None, Option("keep N or D at or below this, such as D=3e12", "N|D=NUMBER")
]
Least = Annotated[
    Mapping[str, float] | None, Option("keep N or D at or above this, such as N=7B", "N|D=NUMBER")
]


@command(
    "plan",
    example="isoflop plan chinchilla/besiroglu2024 --C 5.76e23 --at-most D=3e12",
)
def plan(
    fit: Model,
    *,
    C: Annotated[float, Option("the budget [FLOP]")],
    at_most: Most = None,
    at_least: Least = None,
    level: Level = None,
) -> Report:
    """Plan the run of least loss that a compute budget pays for.

    C = 6ND. The answer gives N, D and the loss, which limits bind, and what it costs to train a
    model of another size at the same compute.
    """
    from isoflop.plan import spend

    found = model(fit)
    return planned(found, spend(found, C, at_most=at_most, at_least=at_least, level=level))


@command("reach", example="isoflop reach chinchilla/besiroglu2024 --L 2.0")
def reach(
    fit: Model,
    *,
    L: Annotated[float, Option("the loss to reach, in the unit of the law")],
    at_most: Most = None,
    level: Level = None,
) -> Report:
    """Find the run of least compute that reaches a loss.

    C = 6ND. The answer gives N, D and C, which limits bind, and what it costs to train a model
    of another size at the same compute.
    """
    from isoflop import plan as planning

    found = model(fit)
    return planned(found, planning.reach(found, L, at_most=at_most, level=level))


def planned(found: Fit[Any] | Published, made: Plan) -> Report:
    """Return a plan as a report."""
    from isoflop.commands.pictures import at_budget

    units = {symbol: counted(found, symbol) for symbol in "NDCL"}
    estimates = {symbol: getattr(made, symbol) for symbol in units}
    rows = tuple((s, e.value, e.low, e.high, units[s]) for s, e in estimates.items())
    held = ", ".join(made.binding)
    blocks: list[Block] = [
        *noted(found, made.notes),
        Table(("quantity", "value", "low", "high", "unit"), rows, caption=made.question),
        Paragraph(
            f"That is {made.D.value / made.N.value:.3g} tokens per parameter."
            + (f" The limits that bind: {held}." if held else " No limit binds.")
        ),
        Table(
            ("N, times the plan", "N", "D", "L", "loss above the plan", "compute that would do"),
            tuple((r.factor, r.N, r.D, r.L, r.excess, r.compute) for r in made.regret),
            caption="What it costs to train a model of another size at the same compute; the last "
            "column is the share of the budget that reaches the same loss at its own optimum.",
        ),
        described(found),
        at_budget(found, made),
    ]
    data = {
        "question": made.question,
        **{
            s: {"value": e.value, "low": e.low, "high": e.high}
            for s, e in estimates.items()
        },
        "level": made.level,
        "binding": list(made.binding),
        "regret": [
            {
                "factor": r.factor, "N": r.N, "D": r.D, "L": r.L,
                "excess": r.excess, "compute": r.compute,
            }
            for r in made.regret
        ],
        "notes": list(made.notes),
    }  # fmt: skip
    return Report(f"Plan: {made.question}", tuple(blocks), data)
