"""The view of the runs: their law in a picture, and their table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from isoflop.errors import IsoflopError
from isoflop.report import Report, note_blocks
from isoflop.web import pages, runs_table, views
from isoflop.web.answers import Answer, Answers
from isoflop.web.confinement import confined
from isoflop.web.exports import share
from isoflop.web.failures import failure_of, next_steps
from isoflop.web.forms import suggestions
from isoflop.web.pages import Place, Query, address
from isoflop.web.views import without


def runs_page(answers: Answers, source: str, query: Query) -> str:
    """Return the page of a source: its law, and a page of its table."""
    place = Place(f"Runs · {source}", source, "runs", query)
    reading = runs_table.reading_of(query)
    blank = {"table": None, "body": "", "sentence": source, "failure": None, "notes": ()}
    try:
        with confined(answers.workspace.root):
            runs = answers.workspace.runs(source, reading)
            table = runs_table.page_of(runs, query)
            report, why = runs_table.picture(runs, query)
            answer = _reading(source, reading, query, runs)
    except IsoflopError as reason:
        steps = next_steps(source, query, "runs")
        return pages.render(
            "runs.html.j2", place, **{**blank, "failure": failure_of(reason, steps)}
        )
    out = sorted(set(views.excluded(query)) & set(runs.rows.tolist()))
    words = f"{len(runs):,} runs of {runs.origin}" + (f", {len(out)} left out" if out else "")
    rows = [_row(source, query, row, out, runs) for row in table.rows]
    notes = [note for note in answer.report.blocks if getattr(note, "kind", "") == "doubt"]
    return pages.render(
        "runs.html.j2",
        place,
        sentence=words,
        table=table,
        rows=rows,
        heads=[_head(source, query, column, table) for column in table.columns],
        body=pages.body(report),
        why=why,
        notes=notes,
        failure=None,
        action=address(source, "runs", {}),
        hidden=[
            (n, t)
            for n in ("x", "columns", "derive", "convention", "unit", "objective")
            for t in query.get(n, ())
        ],
        find=" ".join(query.get("find", ())),
        where=" ".join(query.get("where", ())),
        law=" ".join(query.get("law", ())) or views.LAW,
        laws=suggestions(answers.workspace)["laws"],
        excluded=len(out),
        everything=address(source, "runs", without(query, "x")),
        back=_page(source, query, table.page - 1) if table.page > 1 else "",
        on=_page(source, query, table.page + 1) if table.page < table.pages else "",
        answer=answer,
        share=share(address(source, "columns", query), answer),
    )


def _reading(source: str, reading: Query, query: Query, runs: Any) -> Answer:
    """Return how the runs of a page were read: what `runs show` says first."""
    began = time.perf_counter()
    out = np.isin(runs.rows, views.excluded(query))
    others = runs.select(~out) if out.any() else runs
    texts = views.excluding({"runs": [source], **reading}, query)
    report = Report("", tuple(note_blocks((*runs.doubts, *runs.notes))))
    return Answer("runs show", texts, report, others.digest, time.perf_counter() - began)


def _page(source: str, query: Query, number: int) -> str:
    return address(source, "runs", {**query, "page": [str(number)]})


def _row(
    source: str, query: Query, row: runs_table.RunsRow, out: Sequence[int], runs: Any
) -> dict[str, Any]:
    rest = sorted(set(out) ^ {row.number})
    changed = {**without(query, "x"), "page": query.get("page", ())}
    if rest:
        changed["x"] = [",".join(map(str, rest))]
    numeric = [True] * (1 + len(runs.columns)) + [False] * len(runs.labels)
    return {
        "number": row.number,
        "cells": row.cells,
        "numeric": numeric,
        "excluded": row.excluded,
        "href": address(source, "runs", changed),
    }


def _head(
    source: str, query: Query, column: tuple[str, str], table: runs_table.RunsPage
) -> dict[str, Any]:
    """Return the head of a column, which sorts by it; that of numbers stands over their ends."""
    name, meaning = column
    here = name == table.sort
    turn = f"-{name}" if here and not table.descending else name
    return {
        "name": name,
        "meaning": meaning,
        "numeric": meaning != "label",
        "sorted": ("descending" if table.descending else "ascending") if here else "",
        "href": address(source, "runs", {**without(query, "sort"), "sort": [turn]}),
    }
