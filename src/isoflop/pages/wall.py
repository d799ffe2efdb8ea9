"""When the largest runs ask for more text than there is, as quantiles over years."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.pages.provenance import described
from isoflop.pages.ranges import plain
from isoflop.plan.wall import Wall
from isoflop.report import Block, Paragraph, Remark, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.atlas import Range


@shows(Wall)
def page_of(wall: Wall, facts: tuple[tuple[str, Range, str], ...] = ()) -> Report:
    """Return when demand meets the stock of text; `facts` are what was assumed, and from where."""
    from isoflop.pages.plan_figures import data_wall, used_up

    rows = tuple((f"{q:.0%}", _year(y)) for q, y in zip(wall.quantiles, wall.years, strict=True))
    blocks: tuple[Block, ...] = (
        *note_blocks(wall.notes),
        Remark(
            "compute is carried on as it grew, whatever it costs, and no data are made by models: "
            "both move the wall, neither is in these intervals"
        ),
        Table(("of the draws", "have used the stock up by"), rows, caption="When, by quantiles."),
        Paragraph(
            f"In {wall.unmet:.0%} of the draws the stock outlasts {wall.at[-1]:.0f}."
            if wall.unmet
            else "Every draw uses its stock up in the years that were carried on."
        ),
        *_assumptions(facts),
        described(wall.model),
        data_wall(wall),
        used_up(wall),
    )
    data = {
        "years": {f"{q:g}": y for q, y in zip(wall.quantiles, wall.years, strict=True)},
        "unmet": wall.unmet,
        "assumed": {name: plain(r) for name, r, _ in facts},
        "notes": texts(wall.notes),
    }
    low, middle, high = (_year(wall.years[i]) for i in (0, len(wall.years) // 2, -1))
    answer = answered(
        f"Half of the draws have used the stock of text up by {middle}; {wall.quantiles[0]:.0%} of "
        f"them by {low} and {wall.quantiles[-1]:.0%} by {high}",
        blocks,
    )
    return Report("Text in stock, and what the largest runs ask for", blocks, data, answer=answer)


def _assumptions(facts: tuple[tuple[str, Range, str], ...]) -> tuple[Table, ...]:
    if not facts:
        return ()
    rows = tuple((name, r.low, r.typical, r.high, source) for name, r, source in facts)
    caption = "What goes in; low and high are 5 and 95% points."
    return (Table(("assumed", "low", "typical", "high", "from"), rows, caption),)


def _year(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "not within the years carried on"
