"""The table of runs: paged, sorted and filtered here, and what a law says without some of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import IsoflopError, UsageError
from isoflop.quantities import QUANTITIES, show
from isoflop.report import Figure, Points, Report, Table
from isoflop.web.computations import Computations
from isoflop.web.views import LAW, excluded
from isoflop.web.workspace import READING

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.runs import Runs

PAGE = 50  # rows at once
BEYOND = 10.0  # times the largest budget of the runs at which the split is compared
LONGEST_TABLE = 10_000  # runs that are fitted while a reader looks; more wait for the view Fit


@dataclass(frozen=True, slots=True)
class RunsRow:
    """A run as a row of the page."""

    number: int
    cells: tuple[str, ...]
    excluded: bool


@dataclass(frozen=True, slots=True)
class RunsPage:
    """One page of a table of runs."""

    columns: tuple[tuple[str, str], ...]  # name, and what it is
    rows: tuple[RunsRow, ...]
    total: int
    matching: int  # that meet what is looked for
    page: int
    pages: int
    sort: str
    descending: bool


def page_of(runs: Runs, query: Mapping[str, Sequence[str]]) -> RunsPage:
    """Return the page of a table that an address asks for: sort, find, page, x.

    Raises UsageError for a column that is not there, or a page that is no number.
    """
    sort = _first(query, "sort", "row")
    descending = sort.startswith("-")
    index = _found(runs, _first(query, "find", ""))
    index = index[_order(runs, sort.removeprefix("-"), index, descending)]
    pages = max(1, -(-index.size // PAGE))
    page = min(_whole(_first(query, "page", "1")), pages)
    out = set(excluded(query))
    listed = index[(page - 1) * PAGE : page * PAGE]
    columns = [("row", "its number in the source")]
    columns += [(s, QUANTITIES[s].meaning if s in QUANTITIES else "noise") for s in runs.columns]
    columns += [(name, "label") for name in runs.labels]
    return RunsPage(
        columns=tuple(columns),
        rows=tuple(_row(runs, i, out) for i in listed.tolist()),
        total=len(runs),
        matching=int(index.size),
        page=page,
        pages=pages,
        sort=sort.removeprefix("-"),
        descending=descending,
    )


def _found(runs: Runs, words: str) -> Any:
    """Return which rows hold a text in a label, or have it for their number (k,)."""
    if not words:
        return np.arange(len(runs))
    mask = np.char.find(runs.rows.astype(str), words) == 0
    for texts in runs.labels.values():
        mask |= np.char.find(np.char.lower(texts), words.lower()) >= 0
    return np.flatnonzero(mask)


def _order(runs: Runs, name: str, index: Any, descending: bool) -> Any:
    """Return the order of rows by a column; what is missing comes last either way."""
    if name == "row":
        values = runs.rows[index].astype(float)
    elif name in runs.columns:
        values = runs[name][index]
    elif name in runs.labels:
        values = np.unique(runs.labels[name][index], return_inverse=True)[1].astype(float)
    else:
        raise UsageError(f"there is no column {name[:40]!r} to sort by")
    return np.argsort(-values if descending else values, kind="stable")


def _row(runs: Runs, i: int, out: set[int]) -> RunsRow:
    number = int(runs.rows[i])
    numbers = (show(float(v[i]), 4) if np.isfinite(v[i]) else "-" for v in runs.columns.values())
    texts = (str(v[i]) for v in runs.labels.values())
    return RunsRow(number, (str(number), *numbers, *texts), number in out)


def picture(runs: Runs, query: Mapping[str, Sequence[str]]) -> tuple[Report, str]:
    """Return the runs through their law, what the exclusions change, and why there is no law."""
    from isoflop.fitting import follow
    from isoflop.pages.fit_figures import of_runs
    from isoflop.pages.runs import figure

    out = np.isin(runs.rows, excluded(query))
    law = _first(query, "law", LAW)
    try:
        if len(runs) > LONGEST_TABLE:
            raise UsageError("the view Fit fits a law to so many runs")
        before = quick_fit(runs, law, _first(query, "objective", "huber"))
        after = follow(before, runs.select(~out)) if out.any() else before
    except IsoflopError as reason:
        return Report("", tuple(_marked(f, runs, out) for f in figure(runs))), str(reason)
    marked = _marked(of_runs(after), runs, out)
    changes = (change(before, after),) if out.any() else ()
    return Report("", (*changes, marked)), ""


def change(before: Fit[Any], after: Fit[Any]) -> Table:
    """Return each parameter, and the best split beyond the runs, before and after an exclusion."""
    rows: list[tuple[str, float | None, float | None, str]] = []
    for name in before.law.params:
        rows.append(_changed(name, getattr(before.law, name), getattr(after.law, name)))
    if {"N", "D"} <= set(before.binding.takes):
        C = BEYOND * float((6 * before.runs["N"] * before.runs["D"]).max())
        words = f"D/N at {show(C)} FLOP"
        rows.append(_changed(words, _ratio(before, C), _ratio(after, C)))
    count = len(before.runs) - len(after.runs)
    caption = f"What leaving out {count} of {len(before.runs):,} runs changes"
    return Table(("answer", "with all runs", "without them", "change"), tuple(rows), caption)


def _changed(name: str, first: Any, second: Any) -> tuple[str, float | None, float | None, str]:
    if first is None or second is None:
        return name, first, second, "-"
    share = float(second) / float(first) - 1 if first else float("nan")
    return name, float(first), float(second), f"{100 * share:+.2g}%"


def _ratio(fit: Fit[Any], C: float) -> float | None:
    from isoflop.plan import optimum

    try:
        best = optimum(fit.law, np.array([C]))
    except IsoflopError:
        return None
    return float(np.ravel(best.D)[0] / np.ravel(best.N)[0])


def _marked(figure: Figure, runs: Runs, out: Any) -> Figure:
    """Return a figure with the runs that are left out as crosses, each point with its row."""
    x, y = (axis.label.split(":")[0].split(" ")[0] for axis in (figure.x, figure.y))
    layers = tuple(
        dataclasses.replace(la, rows=tuple(runs.rows.tolist()))
        if isinstance(la, Points) and not la.rows and len(la.x) == len(runs)
        else la
        for la in figure.layers
    )
    across = runs[x] if x in runs else 6 * runs["N"] * runs["D"]
    if not out.any() or y not in runs:
        return dataclasses.replace(figure, layers=layers)
    dropped = Points(
        "left out", across[out], runs[y][out], "dropped", rows=tuple(runs.rows[out].tolist())
    )
    others = tuple(la for la in layers if not (isinstance(la, Points) and len(la.x) == len(runs)))
    if len(others) < len(layers):  # the picture of bare runs: all of them were one layer
        rest = Points("runs", across[~out], runs[y][~out], rows=tuple(runs.rows[~out].tolist()))
        layers = (*others, rest)
    return dataclasses.replace(figure, layers=(*layers, dropped))


_FITS = Computations()


def quick_fit(runs: Runs, law: str, objective: str) -> Fit[Any]:
    """Return a law fitted to runs without draws, once for all who ask, by the hash of the runs."""
    from isoflop import fitting
    from isoflop.laws import form

    def compute() -> Fit[Any]:
        return fitting.fit(form(law), runs, objective=objective, draws=0)

    fit: Fit[Any] = _FITS.part(f"{runs.digest} {law} {objective}", compute)
    return fit


def _first(query: Mapping[str, Sequence[str]], name: str, otherwise: str) -> str:
    return next((text.strip() for text in query.get(name, ()) if text.strip()), otherwise)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 10):
        raise UsageError(f"page={text[:40]} is no page; pages are counted from 1")
    return int(text)


def reading_of(query: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return how an address has the runs read, without what it leaves out."""
    return {n: [t for t in query[n] if t.strip()] for n in READING if any(query.get(n, ()))}
