"""A smaller model of the same loss, what it takes, and how small it gets."""

from __future__ import annotations

from typing import Any

from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimated
from isoflop.pages.plan import written
from isoflop.pages.provenance import counted, described
from isoflop.plan.shrink import Shrunk
from isoflop.quantities import show
from isoflop.report import Block, Figure, Paragraph, Report, Table, note_blocks


@shows(Shrunk)
def page_of(result: Shrunk, line: Shrunk | None = None) -> Report:
    """Return smaller models of equal loss, and what they cost; `line` holds more sizes to draw."""
    model = result.problem.model
    unit = counted(model, "N")
    rows = (
        ("N", result.N.value, result.N.low, result.N.high, unit),
        ("D", result.D.value, result.D.low, result.D.high, "tokens"),
        ("least k", result.least.value, result.least.low, result.least.high, "of N"),
    )
    smaller = tuple(
        (
            r.factor,
            r.N,
            r.D.value,
            r.data.value,
            100 * r.overhead.value,
            *(None if end is None else 100 * end for end in (r.overhead.low, r.overhead.high)),
            100 * r.out_of_reach if result.N.low is not None else None,
        )
        for r in result.rows
    )
    blocks: tuple[Block, ...] = (
        *note_blocks(result.notes),
        Table(
            ("quantity", "value", "low", "high", "unit"),
            rows,
            caption="The best run of the budget, and the smallest size that can be as good.",
        ),
        Table(
            (
                "k",
                "N",
                "D",
                "times the data",
                "% more compute",
                "low",
                "high",
                "% of draws out of reach",
            ),
            smaller,
            caption=f"The same loss from k times the best N; intervals hold {result.level:.0%}.",
        ),
        Paragraph("An interval without an upper end holds draws by which that k is too small."),
        described(model),
        *((_picture(line or result),) if (line or result).rows else ()),
    )
    few = result.rows[0] if result.rows else None
    more = f"; {few.factor:g} times its N takes {few.data.value:.2f} times the data" if few else ""
    answer = answered(
        f"The best N for {show(result.C)} FLOP is {estimated(result.N)}, and none below "
        f"{estimated(result.least)} times that reaches its loss{more}",
        blocks,
    )
    title = f"Smaller than the best for {show(result.C)} FLOP"
    return Report(title, blocks, _data(result), answer=answer)


def _picture(line: Shrunk) -> Figure:
    from isoflop.pages.plan_figures import smaller

    return smaller(line)


def _data(result: Shrunk) -> dict[str, Any]:
    return {
        "C": result.C,
        "N": written(result.N),
        "D": written(result.D),
        "L": written(result.L),
        "least": written(result.least),
        "level": result.level,
        "rows": [
            {
                "k": r.factor,
                "N": r.N,
                "D": written(r.D),
                "C": written(r.C),
                "data": written(r.data),
                "overhead": written(r.overhead),
                "out_of_reach": r.out_of_reach,
            }
            for r in result.rows
        ],
        "notes": texts(result.notes),
    }
