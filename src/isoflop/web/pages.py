"""Pages of the workbench as HTML: one frame, in which a change swaps the part that changed."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from isoflop import commands
from isoflop.report import Block, Figure, Heading, Remark, Report
from isoflop.report.html import fragment, version
from isoflop.web.answers import Answer
from isoflop.web.views import VIEWS, carried

if TYPE_CHECKING:
    from jinja2 import Environment

Query = Mapping[str, Sequence[str]]
GLOBAL = (("models", "Models"), ("claims", "Claims"), ("laws", "Laws"), ("learn", "Learn"))
RAIL = ("fit", "forecast", "plan", "next")  # of a study, between its runs and its watch


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go to; `here` is where the reader is."""

    href: str
    name: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands: its title, its study, and the links around it."""

    title: str
    source: str = ""
    view: str = ""
    query: Query = field(default_factory=dict)


def render(template: str, place: Place, **values: Any) -> str:
    """Return a page made by a template of this package."""
    return (
        _environment()
        .get_template(template)
        .render(
            place=place,
            rail=rail(place),
            tabs=tabs(place),
            version=version(),
            sheets=_sheets(),
            study=address(place.source, "runs", {}) if place.source else "",
            **values,
        )
    )


def rail(place: Place) -> tuple[tuple[Link, ...], ...]:
    """Return the links beside a page: those of the study, then those of all of isoflop."""
    parts = [tuple(Link(f"/{key}", name, place.view == key) for key, name in GLOBAL)]
    parts.append((Link("/commands", "All commands", place.view == "commands"),))
    if place.source:
        keys = ("runs", *RAIL, "watch")
        here = VIEWS[place.view].tab or place.view if place.view in VIEWS else place.view
        names = {"runs": "Runs", "watch": "Watch"} | {k: VIEWS[k].name for k in RAIL}
        state = carried(place.query)
        study = (Link(address(place.source, k, state), names[k], k == here) for k in keys)
        parts.insert(0, tuple(study))
    return tuple(parts)


def tabs(place: Place) -> tuple[Link, ...]:
    """Return the views that stand under one name of the rail; none where there is but one."""
    if not place.source or (place.view not in VIEWS and place.view != "runs"):
        return ()
    head = VIEWS[place.view].tab or place.view if place.view in VIEWS else "runs"
    under = [key for key, view in VIEWS.items() if view.tab == head]
    names = {"runs": "Table"} | {key: view.name for key, view in VIEWS.items()}
    keys = [head, *under] if under else []
    return tuple(
        Link(address(place.source, key, carried(place.query)), names[key], key == place.view)
        for key in keys
    )


def address(source: str, view: str, query: Query) -> str:
    """Return the address of a view of a study."""
    pairs = [(name, text) for name, several in query.items() for text in several]
    tail = f"?{urlencode(pairs)}" if pairs else ""
    return f"/s/{quote(source, safe='/:')}/{view}{tail}"


def doubts(report: Report) -> tuple[Remark, ...]:
    """Return what bears on trust, the worst first."""
    notes = [b for b in report.blocks if isinstance(b, Remark) and b.kind in ("refused", "doubt")]
    return tuple(sorted(notes, key=lambda note: note.kind != "refused"))


def sentence(answer: Answer) -> str:
    """Return the answer of a view in one sentence, with its interval and its worst doubt."""
    return answer.report.answer or answer.report.title


def body(report: Report, prefix: str = "") -> str:
    """Return the blocks of a report as a part of a page."""
    return fragment(_figure_first(report), prefix)


def _figure_first(report: Report) -> Report:
    """Return a report whose first figure stands above its tables, where a reader looks first."""
    first = next((b for b in report.blocks if isinstance(b, Figure)), None)
    if first is None:
        return report
    rest = [block for block in report.blocks if block is not first]
    bare = [b for i, b in enumerate(rest) if not (isinstance(b, Heading) and _empty(rest, i))]
    return replace(report, blocks=(first, *bare))


def _empty(blocks: Sequence[Block], i: int) -> bool:
    """Return whether nothing stands below the heading at `i`."""
    return i + 1 == len(blocks) or isinstance(blocks[i + 1], Heading)


def command_parts(names: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the commands by their section in the list of commands."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.split()[0], []).append(name)
    return tuple(
        (section, tuple(name for head in heads for name in groups[head]))
        for section, heads in commands.sections(groups)
    )


@functools.cache
def _sheets() -> tuple[str, ...]:
    """Return the ids of the style sheets that Plotly adds for maps, unless something has them.

    The content policy forbids such sheets, and no picture here is a map.
    """
    from plotly.offline import get_plotlyjs

    pattern = r'getElementById\("([0-9a-f]{64})"\)\)\{var \w+=document\.createElement\("style"\)'
    return tuple(dict.fromkeys(re.findall(pattern, get_plotlyjs())))


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("isoflop.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(address=address)
    environment.filters["query"] = lambda pairs: urlencode(pairs, doseq=True)
    return environment
