"""Why there is no answer, with the next steps as links, and how HTTP says it."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.errors import IsoflopError, RefusedByData
from isoflop.web.pages import Link, Query, address
from isoflop.web.views import carried, without


@dataclass(frozen=True, slots=True)
class FailurePage:
    """Why there is no answer, and the next steps as links."""

    kind: str
    text: str
    steps: tuple[Link, ...] = ()


def failure_of(reason: IsoflopError, steps: tuple[Link, ...] = ()) -> FailurePage:
    """Return a failure with what a reader may do about it."""
    return FailurePage(
        "refused" if isinstance(reason, RefusedByData) else "doubt", str(reason), steps
    )


def status_of(reason: IsoflopError) -> int:
    """Return the status of HTTP for a failure."""
    return {1: 422, 3: 503}.get(reason.exit_code, 400)


def next_steps(source: str, query: Query, key: str) -> tuple[Link, ...]:
    """Return what a reader may do about a refusal."""
    steps = []
    if query.get("x"):
        steps.append(Link(address(source, key, without(query, "x")), "Take all runs back"))
    if query.get("where"):
        steps.append(Link(address(source, key, without(query, "where")), "Keep all runs"))
    if key != "columns":
        steps.append(Link(address(source, "columns", carried(query)), "See what was read as what"))
    return tuple(steps)
