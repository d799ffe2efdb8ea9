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
    Note,
    Paragraph,
    Points,
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
    "Note",
    "Paragraph",
    "Points",
    "Report",
    "Table",
    "note_blocks",
]
