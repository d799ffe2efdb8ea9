"""What a page leads on to: figures of the field, constants to be dragged, laws, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from isoflop.web.answers import Answer
from isoflop.web.dials import OF_FIGURES
from isoflop.web.pages import Query, address
from isoflop.web.views import carried

SAMPLES: Mapping[str, str] = {
    "sample:tiny": "57 runs of tiny language models along IsoFLOP budgets, trained by isoflop",
    "sample:rl": "247 points of reward over GPU-hours, by recipe of reinforcement learning",
    "sample:rl-study": "272 points of reward over FLOP, by recipe and seed",
    "sample:rl-responses": "160 points of reward over GPU-hours, by number of responses",
    "sample:simulated-ladder": "a ladder of runs with scores on four tasks, simulated",
    "sample:simulated-models": "22 models with scores on benchmarks, simulated",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A page to go to, and what is on it."""

    href: str
    name: str
    text: str


def of(name: str, texts: Mapping[str, Sequence[str]]) -> tuple[Card, ...]:
    """Return what the page of a command leads on to."""
    chosen = next(iter(texts.get("name", ())), "")
    if name == "figures":
        return _draggable(OF_FIGURES.get(chosen, ())) if chosen else _figures()
    if name == "laws" and chosen and "/" not in chosen:
        return _sets(chosen)
    return ()


def after(source: str, answer: Answer | None, query: Query) -> tuple[Card, ...]:
    """Return what the answer of a view of a study leads on to: of a plan, the runs to make next."""
    if answer is None or answer.command not in ("plan", "reach"):
        return ()
    data: Any = answer.report.data
    N, D = (f"{data[symbol]['value']:.4g}" for symbol in "ND")
    state = carried(query)
    runs = address(source, "next", {**state, "at": [f"N={N},D={D}"], "count": ["4"]})
    loss = address(source, "forecast", {**state, "N": [N], "D": [D]})
    return (
        Card(runs, "What to run next", "the runs that narrow this loss most, and what each gains"),
        Card(loss, "The forecast of this run", "its loss with all that widens the interval"),
    )


def _figures() -> tuple[Card, ...]:
    """Return the pages of figures, and every constant that can be dragged."""
    from isoflop.pages.field_figures import figures

    table = next(block for block in figures().blocks if hasattr(block, "rows"))
    pages = tuple(Card(f"/learn?name={quote(str(n))}", str(n), str(text)) for n, text in table.rows)
    sets = tuple(dict.fromkeys(key for keys in OF_FIGURES.values() for key in keys))
    return (*pages, *_draggable(sets))


def _draggable(keys: Sequence[str]) -> tuple[Card, ...]:
    from isoflop.laws import constants

    return tuple(
        Card(
            f"/laws?name={quote(key, safe='')}",
            f"Drag {key}",
            ", ".join(constants(key).law.values),
        )
        for key in keys
    )


def _sets(law: str) -> tuple[Card, ...]:
    from isoflop.law import Law

    sets = Law.registry[law].published if law in Law.registry else {}
    return tuple(
        Card(f"/laws?name={quote(constants.key, safe='')}", constants.key, constants.source)
        for constants in sets.values()
    )
