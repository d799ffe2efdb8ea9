"""figures: the pictures that readers of the papers know, from constants and data that ship."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.report import Report


@command("figures", section="What is known", example="isoflop figures scalerl")
def figures(
    name: Annotated[str | None, Option("a paper or model, such as kaplan")] = None,
) -> Report:
    """Draw the figures of a paper in its own axes, or list the papers.

    Constants are those that the papers print; where a paper prints none, the page says what was
    simulated instead.
    """
    from isoflop.pages import field_figures

    return field_figures.figures(name)
