"""A report as one HTML file that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

import base64
import functools
import gzip
import importlib.metadata
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isoflop.report.document import Block, Figure, Heading, Paragraph, Remark, Report, Table
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
from isoflop.report.svg import to_svg

if TYPE_CHECKING:
    from jinja2 import Template


LONG = 4  # rows or parts from which on a page has tools for them


def fragment(report: Report, prefix: str = "") -> str:
    """Return the blocks of a report as a part of a page, with its figures as data for the script.

    `prefix` sets the ids of its figures apart from those of other parts.
    """
    return _template("blocks.html.j2").render(**_parts(report), prefix=prefix, still=False)


def asset(name: Literal["style.css", "figures.js", "page.js"]) -> str:
    """Return a file that every page needs: the style, or a script for its figures or tables."""
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def to_html(report: Report) -> str:
    """Return a page that holds the report, its figures and its data; the same for the same report.

    Plotly's script is inside once, packed to 2 MB, if there is a figure; a reader without
    JavaScript sees the figures as they are at first.
    """
    parts = _parts(report)
    return _template("report.html.j2").render(
        **parts,
        title=report.title,
        answer=report.answer,
        refused=report.refused,
        packed=[_plotly(), _pack(json.dumps(parts["figures"]))] if parts["figures"] else [],
        style=asset("style.css"),
        script=asset("figures.js"),
        page_script=asset("page.js") if _is_long(report) else "",
        data=as_json(report.data) if report.data else "",
        version=version(),
        prefix="",
        still=True,
    )


def _is_long(report: Report) -> bool:
    """Return whether a page is worth a list of its parts, or a table of it worth sorting."""
    headings = sum(isinstance(block, Heading) for block in report.blocks)
    rows = [len(block.rows) for block in report.blocks if isinstance(block, Table)]
    return headings >= LONG or max(rows, default=0) >= LONG


def _parts(report: Report) -> dict[str, Any]:
    """Return the blocks of a report for the template, and its figures as Plotly draws them."""
    blocks = [block for part in in_reading_order(report) for block in part]
    figures = [to_plotly(block) for block in blocks if isinstance(block, Figure)]
    return {"blocks": [_view(block) for block in blocks], "figures": figures}


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
        case Remark():
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
                "svg": lambda: to_svg(block),
            }


@functools.cache
def _template(name: str) -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("isoflop.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@dataclass(frozen=True, slots=True)
class PackedScript:
    """A script packed by gzip to `size` bytes, in the letters of base 85."""

    letters: str
    size: int


def _pack(script: str) -> PackedScript:
    """Return a script as a page holds it; the one letter that could end it is a comma there."""
    packed = gzip.compress(script.encode(), 9, mtime=0)
    return PackedScript(base64.b85encode(packed, pad=True).decode().replace("<", ","), len(packed))


@functools.cache
def _plotly() -> PackedScript:
    from plotly.offline import get_plotlyjs

    return _pack(get_plotlyjs())
