"""A column of scores from a reward model over HTTP, or from Hugging Face."""

from __future__ import annotations

from isoflop.arrays import Numbers
from isoflop.report import Remark, Report, Table


def page_of(scorer: str, name: str, scores: Numbers, out: str) -> Report:
    """Return what a reward model's scores (n,) of samples come to, and where they are."""
    cells = (name, len(scores), float(scores.mean()), float(scores.std()))
    return Report(
        f"{len(scores):,} samples scored by {scorer}",
        (
            Remark(f"{out} holds the table with the column {name}"),
            Table(("score", "samples", "mean", "spread"), (cells,)),
        ),
        {"out": out, "score": name, "samples": len(scores), "mean": cells[2], "spread": cells[3]},
    )
