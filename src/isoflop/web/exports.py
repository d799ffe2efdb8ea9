"""An answer as a file that leaves the workbench: a page that works offline, JSON, CSV, SVG."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping

from starlette.responses import Response

from isoflop.errors import UnknownName, UsageError
from isoflop.report import Figure, Paragraph, Report, Table
from isoflop.report.bibliography import to_bibtex
from isoflop.report.number_format import as_json
from isoflop.web.answers import Answer
from isoflop.web.pages import Link

KINDS: Mapping[str, str] = {
    "html": "Page (HTML, works offline)",
    "json": "Numbers (JSON)",
    "csv": "Tables (CSV)",
    "svg": "Picture (SVG)",
    "bib": "Sources (BibTeX)",
}
TRAINERS: Mapping[str, str] = {"nanochat": "sh", "torchtitan": "toml", "hf": "json"}  # and its file


def response(answer: Answer, kind: str) -> Response:
    """Return an answer as a download of one of `KINDS`.

    Raises UnknownName for another kind, UsageError where the answer has no table or no picture.
    """
    if kind not in _WRITERS:
        raise UnknownName("format", kind, _WRITERS)
    media, write = _WRITERS[kind]
    name = re.sub(r"[^a-z0-9]+", "-", f"isoflop-{answer.command}".lower()).strip("-")
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    # Nothing in it may run in the name of the workbench, wherever a browser shows it.
    headers["content-security-policy"] = "sandbox"
    return Response(write(answer), media_type=media, headers=headers)


def source_line(answer: Answer) -> str:
    """Return the command, date, version and data hash of an answer."""
    data = answer.digest or "none"
    return f"{answer.shell} · {answer.date} · isoflop {answer.version} · data {data}"


def _page(answer: Answer) -> str:
    from isoflop.report.html import to_html

    report = answer.report
    blocks = (*report.blocks, Paragraph(f"Made by: {source_line(answer)}"))
    return to_html(Report(report.title, blocks, report.data, report.refused))


def _json(answer: Answer) -> str:
    document = {
        "command": answer.shell,
        "date": answer.date,
        "version": answer.version,
        "data_sha256": answer.digest or None,
    }
    return as_json({"made_by": document, **answer.report.data}) + "\n"


def _csv(answer: Answer) -> str:
    """Return the tables, one under the other, each below its caption; numbers are whole."""
    tables = [block for block in answer.report.blocks if isinstance(block, Table)]
    if not tables:
        raise UsageError("this answer holds no table")
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([f"# {source_line(answer)}"])
    for table in tables:
        writer.writerow([f"# {table.caption}"] if table.caption else [])
        writer.writerow(map(_cell, table.columns))
        writer.writerows([_cell(cell) for cell in row] for row in table.rows)
    return file.getvalue()


def _cell(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell[:1]:
        return f"'{cell}"
    return "" if cell is None else cell


def _svg(answer: Answer) -> str:
    from isoflop.report.svg import to_svg

    figures = [block for block in answer.report.blocks if isinstance(block, Figure)]
    if not figures:
        raise UsageError("this answer holds no picture")
    return to_svg(figures[0])


def _bib(answer: Answer) -> str:
    text = to_bibtex(answer.report, sources_of(answer))
    if not text:
        raise UsageError("this answer names no paper")
    return text


def sources_of(answer: Answer) -> list[str]:
    """Return where the laws behind an answer come from."""
    from isoflop.law import Law

    texts = [text for several in (answer.fit or answer.texts).values() for text in several]
    sources = []
    for text in (*texts, str(answer.report.data.get("law", ""))):
        key, _, name = text.partition("/")
        if key in Law.registry:
            sources.append(Law.registry[key].source)
            if name in Law.registry[key].published:
                sources.append(Law.registry[key].published[name].source)
    return sources


_WRITERS: Mapping[str, tuple[str, Callable[[Answer], str]]] = {
    "html": ("text/html; charset=utf-8", _page),
    "json": ("application/json", _json),
    "csv": ("text/csv; charset=utf-8", _csv),
    "svg": ("image/svg+xml", _svg),
    "bib": ("application/x-bibtex; charset=utf-8", _bib),
}


def share(request_path: str, answer: Answer | None) -> tuple[Link, ...]:
    """Return the links by which an answer leaves the workbench."""
    if answer is None:
        return ()
    kinds = dict(KINDS)
    if not to_bibtex(answer.report, sources_of(answer)):
        del kinds["bib"]
    if answer.command == "plan":
        kinds |= {trainer: f"Configuration for {trainer}" for trainer in TRAINERS}
    return tuple(Link(f"/export/{kind}{request_path}", words) for kind, words in kinds.items())


def configuration(trainer: str, text: str) -> Response:
    """Return the run of a plan as the configuration of a trainer, as a download."""
    name = f'attachment; filename="isoflop-plan-{trainer}.{TRAINERS[trainer]}"'
    headers = {"content-disposition": name, "content-security-policy": "sandbox"}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)
