"""When the largest runs ask for more text than there is, as quantiles over years."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from isoflop.errors import texts
from isoflop.pages.provenance import described
from isoflop.pages.ranges import plain
from isoflop.report import Block, Note, Paragraph, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.atlas import Range
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.wall import Wall


def report(
    model: Fit[Any] | Pool | Published, wall: Wall, facts: tuple[tuple[str, Range, str], ...]
) -> Report:
    """Return when demand meets the stock of text."""
    from isoflop.pages.plan_figures import data_wall, used_up

    rows = tuple((f"{q:.0%}", _year(y)) for q, y in zip(wall.quantiles, wall.years, strict=True))
    blocks: tuple[Block, ...] = (
        *note_blocks(wall.notes),
        Note(
            "compute is carried on as it grew, whatever it costs, and no data are made by models: "
            "both move the wall, neither is in these intervals"
        ),
        Table(("of the draws", "have used the stock up by"), rows, caption="When, by quantiles."),
        Paragraph(
            f"In {wall.unmet:.0%} of the draws the stock outlasts {wall.at[-1]:.0f}."
            if wall.unmet
            else "Every draw uses its stock up in the years that were carried on."
        ),
        Table(
            ("assumed", "low", "typical", "high", "from"),
            tuple((name, r.low, r.typical, r.high, source) for name, r, source in facts),
            caption="What goes in; low and high are 5 and 95% points.",
        ),
        described(model),
        data_wall(wall),
        used_up(wall),
    )
    data = {
        "years": {f"{q:g}": y for q, y in zip(wall.quantiles, wall.years, strict=True)},
        "unmet": wall.unmet,
        "assumed": {name: plain(r) for name, r, _ in facts},
        "notes": texts(wall.notes),
    }
    return Report("Text in stock, and what the largest runs ask for", blocks, data)


def _year(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "not within the years carried on"
