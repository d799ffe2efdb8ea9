"""Reports in a notebook, by the protocol that notebooks look for; IPython is never imported."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, TypeVar

from isoflop.report.document import Report
from isoflop.report.html import to_html

Result = TypeVar("Result")


def frame(report: Report) -> str:
    """Return the page of a report in a frame of its own, so that its style stays inside."""
    return (
        '<iframe style="width:100%;height:640px;border:0" '
        f'title="{html.escape(report.title)}" srcdoc="{html.escape(to_html(report))}"></iframe>'
    )


def register(kind: type[Result], as_report: Callable[[Result], Report]) -> None:
    """Have notebooks show every `kind` as the report that `as_report` makes of it.

    For results of the layers below, which know nothing of reports.
    """

    def shown(self: Any) -> str:
        return frame(as_report(self))

    kind._repr_html_ = shown  # type: ignore[attr-defined]
