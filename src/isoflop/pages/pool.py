"""A pool of laws: whether it can be trusted, what each law weighs, and what they say together."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.assess import Pool
from isoflop.errors import texts
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered
from isoflop.pages.fit import best_splits
from isoflop.report import Block, Paragraph, Remark, Report, Table, note_blocks
from isoflop.report.columns import Columns


@shows(Pool)
def page_of(pool: Pool) -> Report:
    """Return a pool as a report: trust first, then its laws, then the best sizes and data."""
    good = [Remark("the pool can be trusted as far as its runs reach", "good")]
    blocks: list[Block] = [
        *(good if pool.status == "ok" else ()),
        *note_blocks(pool.notes),
        members(pool),
        Paragraph(_form(pool)),
        *(best_splits(pool) if pool.status != "refused" else ()),
    ]
    runs = pool.runs
    title = f"A pool of laws fitted to {len(runs):,} runs of {runs.origin}"
    first = max(pool.members, key=lambda m: m.weight)
    sentence = f"{len(pool.members)} fits answer together, {first.candidate.name} with the most"
    answer = answered(f"{sentence} weight, {first.weight:.0%}", blocks)
    return Report(title, tuple(blocks), as_data(pool), pool.status == "refused", answer)


@tabulates(Pool)
def tables_of(pool: Pool) -> dict[str, Columns]:
    """Return the members of a pool with their weights and parameters."""
    rows = [
        (m.candidate.name, m.weight, name, float(value))
        for m in pool.members
        for name, value in m.fit.law.values.items()
    ]
    names = ("fit", "weight", "parameter", "value")
    return {"members": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))}


def members(pool: Pool) -> Table:
    """Return the fits of a pool, heaviest first."""
    rows = tuple(
        (
            m.candidate.name,
            f"{m.weight:.1%}",
            float(np.sqrt((m.fit.residuals**2).mean())),
            m.fit.status,
        )
        for m in sorted(pool.members, key=lambda m: -m.weight)
    )
    columns = ("fit", "weight", "residual, root mean square of logs", "status")
    return Table(columns, rows, "Weights follow the errors on larger runs held out, and a prior.")


def as_data(pool: Pool) -> dict[str, Any]:
    """Return a pool as JSON types."""
    return {
        "pool": True,
        "takes": list(pool.takes),
        "predicts": pool.predicts,
        "members": [
            {
                "fit": m.candidate.name,
                "law": m.candidate.law,
                "objective": m.candidate.objective,
                "weight": m.weight,
                "status": m.fit.status,
                "params": {name: float(value) for name, value in m.fit.law.values.items()},
            }
            for m in pool.members
        ],
        "growth": pool.growth,
        "level": pool.level,
        "status": pool.status,
        "notes": texts(pool.notes),
        "runs": {"n": len(pool.runs)},
    }


def _form(pool: Pool) -> str:
    source = f"{pool.form.splits} splits of the runs" if pool.form.splits else "what is usual"
    return (
        f"Beyond the runs all of them may be off by {pool.growth:.2%} for each factor e, by "
        f"{source}; that, and where they disagree, is in every interval."
    )
