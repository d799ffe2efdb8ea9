"""A smaller model of the same loss, what it takes, and how small it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import texts
from isoflop.pages.plan import written
from isoflop.pages.provenance import counted, described
from isoflop.quantities import show
from isoflop.report import Block, Figure, Paragraph, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.shrink import Shrunk


def report(model: Fit[Any] | Pool | Published, result: Shrunk, line: Shrunk) -> Report:
    """Return smaller models of equal loss, and what they cost."""
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
        _picture(line),
    )
    return Report(f"Smaller than the best for {show(result.C)} FLOP", blocks, _data(result))


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
