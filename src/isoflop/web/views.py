"""The views of a study: each is a command, asked of its runs or of the law fitted to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isoflop import commands
from isoflop.errors import UsageError
from isoflop.web.forms import FormShape, texts_of
from isoflop.web.workspace import READING

EXCLUDED = "x"  # of an address: the rows that are left out, such as x=12,18
LAW = "chinchilla"  # what a view of one law begins with, if the runs have what it takes
POOL = "pool"  # what is forecast and planned with, unless the address names a law
CHOSEN = frozenset({POOL, "best"})  # what stands for laws that are weighed against each other


@dataclass(frozen=True, slots=True)
class View:
    """A command as a view of a study; `of_fit` says that it is asked of the fitted law.

    `begin` is what the form holds when a reader comes for the first time.
    """

    key: str
    name: str
    command: str
    question: str
    shape: FormShape
    of_fit: bool = False
    begin: Mapping[str, str] = field(default_factory=dict)
    tab: str = ""  # the view under whose name it stands


_OF_FIT = ("law", "objective", "where")
_RUNS = ("runs",)
VIEWS: Mapping[str, View] = {
    view.key: view
    for view in (
        View(
            *("fit", "Fit", "fit", "Which law do these runs follow?"),
            FormShape(("law", "objective", "level", "where"), preset=_RUNS),
        ),
        View(
            *("compare", "Laws compared", "compare", "Which law forecasts larger runs best?"),
            FormShape(("laws", "objectives", "axis", "where"), preset=_RUNS),
            tab="fit",
        ),
        View(
            *("influence", "Influence", "influence", "Which runs decide the answer?"),
            FormShape(("law", "objective", "most", "where"), preset=_RUNS),
            tab="fit",
        ),
        View(
            *(
                "identify",
                "Identifiability",
                "identify",
                "Which parameters do these runs pin down?",
            ),
            FormShape(("law", "objective", "where"), preset=_RUNS),
            tab="fit",
        ),
        View(
            *("audit", "Audit", "audit", "Can these runs be trusted?"),
            FormShape(("where",), preset=_RUNS),
            tab="runs",
        ),
        View(
            *("columns", "Reading", "runs show", "What was read as what?"),
            FormShape(("columns", "unit", "convention", "derive", "where"), preset=_RUNS),
            tab="runs",
        ),
        View(
            *("forecast", "Forecast", "forecast", "What loss will a larger run reach?"),
            FormShape(("N", "D", "C", "level"), slides={"N": "", "D": ""}, preset=("fit",)),
            of_fit=True,
        ),
        View(
            *("plan", "Plan", "plan", "What should the budget be spent on?"),
            FormShape(
                ("C", "budget", "serving", "unique", "chip", "price", "mfu", "money", "at_most"),
                slides={"C": "", "budget": "", "serving": "1T", "unique": "1T", "price": "2.5"},
                preset=("fit",),
            ),
            of_fit=True,
        ),
        View(
            *("reach", "Reach", "reach", "What does it cost to reach a loss?"),
            FormShape(("L", "serving", "chip", "money"), slides={"serving": "1T"}, preset=("fit",)),
            of_fit=True,
            tab="plan",
        ),
        View(
            *("serve", "Serving", "serve", "What does serving change?"),
            FormShape(("serving", "C", "N", "L"), slides={"serving": "1T"}, preset=("fit",)),
            of_fit=True,
            tab="plan",
        ),
        View(
            *("next", "Next runs", "design", "Which runs narrow the forecast most?"),
            FormShape(("at", "budget", "count", "within", "criterion"), preset=("fit",)),
            of_fit=True,
        ),
    )
}


def fit_texts(
    source: str, query: Mapping[str, Sequence[str]], law: str = POOL
) -> dict[str, list[str]]:
    """Return what the command `fit` is asked for a view of a source: `law` unless one is named."""
    named = " ".join(query.get("law", ())).strip() or law
    without = ("runs", "level", "law", *(("objective",) if named in CHOSEN else ()))
    texts = {k: list(v) for k, v in texts_of("fit", query, without).items()}
    return {"runs": [source], **excluding({**texts, "law": [named]}, query)}


def view_texts(view: View, source: str, query: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what the command of a view is asked."""
    choices = texts_of(view.command, query, view.shape.preset)
    texts = {name: list(several) for name, several in choices.items()}
    if view.of_fit:
        return texts
    names = {p.name for p in commands.every()[view.command].parameters}
    if "law" in names and not texts.get("law"):
        texts["law"] = [LAW]
    return {"runs": [source], **excluding(texts, query)}


def excluding(texts: Mapping[str, Any], query: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return texts whose condition also leaves out the rows that an address excludes."""
    rows = excluded(query)
    if not rows:
        return dict(texts)
    condition = " and ".join(f"row != {row}" for row in rows)
    first = " ".join(texts.get("where", ()))
    return {**texts, "where": [f"({first}) and {condition}" if first else condition]}


def excluded(query: Mapping[str, Sequence[str]]) -> tuple[int, ...]:
    """Return the rows that an address leaves out, in order.

    Raises UsageError for what is no list of rows.
    """
    words = [w for text in query.get(EXCLUDED, ()) for w in text.replace(",", " ").split()]
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise UsageError(f"x={','.join(words)[:60]} is no list of rows, such as x=12,18")
    return tuple(sorted({int(word) for word in words}))


def carried(query: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what one view of a study hands to the next: reading, law and exclusions."""
    names = ("law", "objective", "level", *READING, EXCLUDED)
    return {n: [t for t in query[n] if t] for n in names if any(query.get(n, ()))}


def without(query: Mapping[str, Sequence[str]], name: str) -> dict[str, Sequence[str]]:
    """Return an address without one of its parts, and on its first page."""
    return {k: v for k, v in query.items() if k not in (name, "page")}
