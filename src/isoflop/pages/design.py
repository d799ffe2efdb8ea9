"""Which runs to make next, and how small a ladder is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import Notes, UnknownName, UsageError, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.plan.design.greedy import Design
from isoflop.quantities import show
from isoflop.report import Axis, Block, Cell, Figure, Line, Points, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.plan.cost import Cost
    from isoflop.plan.design.uncertainty import Candidates, Model


STAGES = (0.1, 0.3, 1.0)  # shares of the design at which the rule for stopping is told

BEYOND = 3.0  # by which the default grid goes further than the runs


@shows(Design)
def page_of(result: Design, assumed: Notes = (), cost: Cost | None = None) -> Report:
    """Return the runs to make next as a report, and how far each narrows the target.

    `assumed` is what stands in for what was not stated of the budget; with a `cost` on chips each
    run has its hours and its price.
    """
    blocks: list[Block] = [
        *note_blocks((*assumed, *result.notes)),
        runs_of(result, cost),
        *shapes_of(result),
        *stopping_of(result),
        map(result, result.candidates),
        narrowing(result),
    ]
    answer = answered(
        f"{len(result.choices)} runs for {show(result.spent)} FLOP bring {result.target.words} "
        f"from ± {percent(result.start)} to ± {percent(result.half_width)} ({result.level:.0%})",
        blocks,
    )
    title = f"Runs to make next, for {result.target.words}"
    return Report(title, tuple(blocks), as_data(result, assumed), answer=answer)


def pool_of(
    models: Sequence[Model | Pool],
    path: str | None,
    low: Mapping[str, float] | None,
    high: Mapping[str, float] | None,
    steps: int,
) -> Candidates:
    """Return the rows of a file, or a grid over the range of the runs and a bit further."""
    from isoflop.plan.design.greedy import grid, pool
    from isoflop.sources import read

    if path is not None:
        return pool(read(path))
    if unknown := sorted({*(low or {}), *(high or {})} - {"N", "D"}):
        raise UnknownName("end of a grid", unknown[0], ("N", "D"))
    spans = {}
    for symbol in ("N", "D"):
        columns = [m.runs[symbol] for m in models if not isinstance(m, str)]
        least, most = (low or {}).get(symbol), (high or {}).get(symbol)
        if (least is None or most is None) and not columns:
            raise UsageError(
                f"laws without runs do not know which {symbol} can be made; give "
                f"--at-least {symbol}=... and --at-most {symbol}=..."
            )
        spans[symbol] = (
            least if least is not None else float(min(v.min() for v in columns)),
            most if most is not None else BEYOND * float(max(v.max() for v in columns)),
        )
    return grid(spans["N"], spans["D"], steps)


def percent(share: float) -> str:
    """Return a share in per cent."""
    return f"{100 * share:.3g}%"


def runs_of(design_result: Design, cost: Cost | None = None) -> Table:
    """Return the runs of a design, in order, with cost and half-width after each."""
    rows = tuple(
        (
            i + 1,
            c.N,
            c.D,
            c.D / c.N,
            c.cost,
            *hours_and_money(c.cost, cost),
            c.total_cost,
            percent(c.half_width),
        )
        for i, c in enumerate(design_result.choices)
    )
    columns = ("run", "N", "D", "D/N", "cost [FLOP]", *priced_in(cost), "spent [FLOP]")
    return Table(
        (*columns, "target known within"),
        rows,
        "In the order in which they pay; a batch in parallel is the first rows.",
    )


def priced_in(cost: Cost | None) -> tuple[str, ...]:
    """Return the columns of what FLOP cost on chips; none where no chip is known."""
    return () if cost is None or cost.per_flop is None else ("chip-hours", "USD")


def hours_and_money(flop: float, cost: Cost | None) -> tuple[float | None, ...]:
    """Return the typical hours and money of FLOP on chips; nothing where no chip is known."""
    if cost is None or cost.per_flop is None:
        return ()
    per = cost.per_flop[0]
    money = None if per.money is None else flop * per.money.typical
    return flop * per.hours.typical, money


def shapes_of(design_result: Design) -> list[Block]:
    """Return shapes near the sizes of the runs that can be built; none where none comes near."""
    from isoflop.accounting import shape_for

    rows: list[tuple[Cell, ...]] = []
    for N in sorted({c.N for c in design_result.choices}):
        try:
            proposal = shape_for(N)
        except UsageError:
            continue
        a = proposal.architecture
        shape = f"{a.layers} layers of width {a.width}"
        rows.append((N, shape, proposal.realised, f"{proposal.error:+.1%}"))
    if not rows:
        return []
    caption = (
        "Shapes near these sizes: N counts all parameters, with 32,000 words and 2,048 positions; "
        "'isoflop shape' takes others."
    )
    return [Table(("N", "shape", "N as built", "off"), tuple(rows), caption)]


def stopping_of(design_result: Design) -> list[Block]:
    """Return what another stretch of compute buys: a rule for stopping."""
    from isoflop.plan.design.greedy import narrowed

    if not design_result.choices:
        return []
    costs = sorted(
        {max(s * design_result.spent, design_result.choices[0].total_cost) for s in STAGES}
    )
    rows = tuple((cost, percent(narrowed(design_result, cost))) for cost in costs)
    return [
        Table(
            ("another [FLOP]", "narrows the target by"),
            rows,
            "Stop where this is no longer worth its compute.",
        ),
    ]


def map(design_result: Design, candidates: Candidates) -> Figure:
    """Return the candidates and the runs that the design takes, on the plane of N and D."""
    N, D = (np.array([getattr(c, s) for c in design_result.choices]) for s in "ND")
    hover = tuple(f"run {i + 1}: {show(c.cost)} FLOP" for i, c in enumerate(design_result.choices))
    layers = (
        Points("candidates", candidates.N, candidates.D, "dropped"),
        Points("chosen", N, D, "best", hover=hover),
    )
    return Figure("Runs to make", Axis.of("N"), Axis.of("D"), layers)


def narrowing(design_result: Design) -> Figure:
    """Return the half-width of the target against the compute spent."""
    cost = np.array([c.total_cost for c in design_result.choices])
    width = 100 * np.array([c.half_width for c in design_result.choices])
    return Figure(
        "How the target narrows",
        Axis("compute spent", "FLOP"),
        Axis("half-width of the target", "%"),
        (Line("after each run", cost, width),),
    )


def as_data(design_result: Design, assumed: Notes = ()) -> dict[str, Any]:
    """Return the design as JSON types."""
    return {
        "target": design_result.target.words,
        "criterion": design_result.criterion,
        "level": design_result.level,
        "noise": design_result.noise,
        "start": design_result.start,
        "half_width": design_result.half_width,
        "spent": design_result.spent,
        "runs": [
            {"N": c.N, "D": c.D, "cost": c.cost, "spent": c.total_cost, "half_width": c.half_width}
            for c in design_result.choices
        ],
        "notes": texts((*assumed, *design_result.notes)),
    }
