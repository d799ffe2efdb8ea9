"""Reports and figures are data; text, HTML and notebooks are renderers, loaded when used."""

from __future__ import annotations

from isoflop.report.document import (
    Axis,
    Band,
    Block,
    Cell,
    Contours,
    ErrorBar,
    Figure,
    Heading,
    Layer,
    Line,
    Paragraph,
    Points,
    Remark,
    Report,
    Table,
    note_blocks,
)

__all__ = [
    "Axis",
    "Band",
    "Block",
    "Cell",
    "Contours",
    "ErrorBar",
    "Figure",
    "Heading",
    "Layer",
    "Line",
    "Paragraph",
    "Points",
    "Remark",
    "Report",
    "Table",
    "note_blocks",
]


def _html(report: Report) -> str:
    """Return a report for a notebook, which calls this by name; nothing is loaded before."""
    from isoflop.report.notebook import frame

    return frame(report)


# Set here, since the page is drawn by files that know what a report is.
Report._repr_html_ = _html  # type: ignore[attr-defined]
