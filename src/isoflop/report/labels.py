"""Where the names of points stand in a figure, so that none covers a name or a point."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any, TypeAlias

from isoflop.report.document import Figure, Points
from isoflop.report.scales import AxisScale

# The smallest plot that a page draws [px], and the size of a letter there: what does not collide
# here does not on a larger one, which only spreads.
WIDE, TALL, LETTER, LINE, GAP, DOT = 380.0, 215.0, 5.8, 12.0, 6.0, 4.0

Box: TypeAlias = tuple[float, float, float, float]  # left, bottom, right, top [px]
Placed: TypeAlias = tuple[Points, int, str]  # a layer, which of its points, on which side of it


def written(figure: Figure, across: AxisScale, up: AxisScale) -> list[dict[str, Any]]:
    """Return the names that points carry as one trace of text; none where no point has a name."""
    placements = placed(figure, across, up)
    if not placements:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers+text",
            "marker": {"size": 2 * DOT, "opacity": 0},  # holds the text off the point
            "x": [float(layer.x[i]) for layer, i, _ in placements],
            "y": [float(layer.y[i]) for layer, i, _ in placements],
            "text": [html.escape(layer.labels[i], quote=False) for layer, i, _ in placements],
            "textposition": [side for _, _, side in placements],
            "textfont": {"size": 10},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def placed(figure: Figure, across: AxisScale, up: AxisScale) -> tuple[Placed, ...]:
    """Return the named points whose names find a place, and on which side of the point."""
    spots = [
        (layer, i, float(x) * WIDE, float(y) * TALL)
        for layer in figure.layers
        if isinstance(layer, Points)
        for i, (x, y) in enumerate(zip(across.place(layer.x), up.place(layer.y), strict=True))
        if x == x and y == y
    ]
    taken: list[Box] = [(x - DOT, y - DOT, x + DOT, y + DOT) for _, _, x, y in spots]
    placements: list[Placed] = []
    for layer, i, x, y in spots:
        if not (layer.labels and layer.labels[i]):
            continue
        for side, box in _sides(x, y, LETTER * len(layer.labels[i])):
            if _inside(box) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                placements.append((layer, i, side))
                break
    return tuple(placements)


def _sides(x: float, y: float, wide: float) -> Iterator[tuple[str, Box]]:
    """Yield the sides of a point, in Plotly's words, with the box that a name takes there."""
    half, low, high = wide / 2, y - LINE / 2, y + LINE / 2
    yield "middle right", (x + GAP, low, x + GAP + wide, high)
    yield "middle left", (x - GAP - wide, low, x - GAP, high)
    yield "top center", (x - half, y + GAP, x + half, y + GAP + LINE)
    yield "bottom center", (x - half, y - GAP - LINE, x + half, y - GAP)
    yield "top right", (x + 2, y + GAP, x + 2 + wide, y + GAP + LINE)
    yield "top left", (x - 2 - wide, y + GAP, x - 2, y + GAP + LINE)
    yield "bottom right", (x + 2, y - GAP - LINE, x + 2 + wide, y - GAP)
    yield "bottom left", (x - 2 - wide, y - GAP - LINE, x - 2, y - GAP)


def _inside(box: Box) -> bool:
    low, bottom, right, top = box
    return low >= 0 and bottom >= 0 and right <= WIDE and top <= TALL


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
