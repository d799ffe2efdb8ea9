"""A report as one HTML file that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

import functools
import importlib.metadata
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.report.document import Block, Figure, Heading, Note, Paragraph, Report, Table
from isoflop.report.figures import to_plotly
from isoflop.report.number_format import (
    LABELS,
    as_json,
    columns,
    describe,
    in_reading_order,
    unbroken,
)
from isoflop.report.scales import undrawable

if TYPE_CHECKING:
    from jinja2 import Template


def to_html(report: Report) -> str:
    """Return a page that holds the report, its figures and its data; the same for the same report.

    Plotly's script, 4.8 MB, is inside once if there is a figure, and is left out if there is none.
    """
    warns, rest = in_reading_order(report)
    figures = [block for block in rest if isinstance(block, Figure)]
    return _template().render(
        title=report.title,
        answer=report.answer,
        refused=report.refused,
        blocks=[_view(block) for block in (*warns, *rest)],
        figures=[to_plotly(figure) for figure in figures],
        plotly=_plotly() if figures else "",
        data=as_json(report.data) if report.data else "",
        version=version(),
    )


def save(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write the report to `path` as HTML and return the path; an older file stays until the end.

    Raises EnvironmentFailure if the disk is full or the place cannot be written.
    """
    from isoflop.files import write_atomically

    target, page = Path(path), to_html(report)
    write_atomically(target, lambda file: file.write(page.encode()))
    return target


def version() -> str:
    """Return the installed version of isoflop, or "source" where it is not installed."""
    try:
        return importlib.metadata.version("isoflop")
    except importlib.metadata.PackageNotFoundError:
        return "source"


def _view(block: Block) -> dict[str, Any]:
    """Return what the template needs of a block."""
    match block:
        case Heading():
            return {"is": "heading", "text": block.text}
        case Paragraph():
            return {"is": "paragraph", "text": block.text}
        case Note():
            return {
                "is": "note",
                "text": block.text,
                "kind": block.kind,
                "label": LABELS[block.kind],
            }
        case Table():
            table_columns = columns(block)
            cells = ([tuple(map(unbroken, cell)) for cell in c.cells] for c in table_columns)
            rows = list(zip(*cells, strict=True))
            return {"is": "table", "columns": table_columns, "rows": rows, "caption": block.caption}
        case Figure():
            return {
                "is": "figure",
                "title": block.title,
                "caption": block.caption,
                "described": describe(block),
                "lost": undrawable(block),
            }


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("isoflop.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


@functools.cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script
