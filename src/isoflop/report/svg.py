"""A Figure as SVG: small, the same on every machine, and so fit for pages that are kept."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.quantities import show
from isoflop.report.colours import colours
from isoflop.report.document import Axis, Band, Contours, ErrorBar, Figure, Layer, Line, Points
from isoflop.report.scales import AxisScale, in_powers, levels, scales

WIDE, HIGH = 720, 330  # of the frame with its margins, without the legend
LEFT, RIGHT, TOP, BOTTOM = 78, 18, 30, 52
LETTER = 6.9  # about the width of one at 12 px
_INK, _GRID = "#57606a", "#e3e6ea"
_STROKES = {"fit": "2.2", "frontier": "2.6", "rival": "1.1", "reference": "1.2"}
_DASHES = {"rival": "5 3", "reference": "2 4"}


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values stand in pixels."""

    across: AxisScale
    up: AxisScale

    def x(self, values: Numbers | float) -> Numbers:
        """Return pixels from the left; NaN for what has no place."""
        return np.asarray(LEFT + self.across.place(values) * (WIDE - LEFT - RIGHT))

    def y(self, values: Numbers | float) -> Numbers:
        """Return pixels from the top; NaN for what has no place."""
        return np.asarray(HIGH - BOTTOM - self.up.place(values) * (HIGH - TOP - BOTTOM))


def to_svg(figure: Figure) -> str:
    """Return the figure as an SVG image that needs no other file."""
    frame = _Frame(*scales(figure))
    tints = colours(figure)
    entries = _entries(figure.layers, tints)
    rows = list(_legend(entries))
    height = HIGH + 20 * (1 + max((row for row, *_ in rows), default=-1)) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {height}" width="{WIDE}" '
        f'height="{height}" font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">',
        f"<title>{html.escape(figure.title)}</title>",
        f'<rect width="{WIDE}" height="{height}" fill="#ffffff"/>',
        *_shade(figure, frame),
        *_ticks(figure, frame),
        f'<clipPath id="in"><rect x="{LEFT}" y="{TOP}" width="{WIDE - LEFT - RIGHT}" '
        f'height="{HIGH - TOP - BOTTOM}"/></clipPath>',
        '<g clip-path="url(#in)">',
        *(
            mark
            for la, tint in zip(figure.layers, tints, strict=True)
            for mark in _drawn(la, tint, frame)
        ),
        "</g>",
        *_titles(figure),
        *(
            piece
            for row, x, name, layer, tint in rows
            for piece in _entry(row, x, name, layer, tint)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _drawn(layer: Layer, tint: str, frame: _Frame) -> Iterator[str]:
    match layer:
        case Line():
            dash = _DASHES.get(layer.kind, "")
            yield _path(frame.x(layer.x), frame.y(layer.y), tint, _STROKES[layer.kind], dash)
        case Points():
            for across, up in _finite(frame.x(layer.x), frame.y(layer.y)):
                yield _mark(across, up, layer.kind, tint)
        case Band():
            x = np.concatenate([layer.x, layer.x[::-1]])
            edge = np.concatenate([layer.low, layer.high[::-1]])
            corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in _finite(frame.x(x), frame.y(edge)))
            yield f'<polygon points="{corners}" fill="{tint}" opacity="0.18"/>'
        case ErrorBar():
            ends = np.array([layer.low, layer.high])
            yield _path(frame.x(np.full(2, layer.x)), frame.y(ends), tint, "2", "")
            yield _mark(float(frame.x(layer.x)), float(frame.y(layer.value)), "best", tint)
        case Contours():
            yield from _contours(layer, tint, frame)


def _contours(layer: Contours, tint: str, frame: _Frame) -> Iterator[str]:
    """Draw each level as the crossings of rows of the grid, joined from row to row."""
    for level in levels(layer):
        points = [
            (float(np.interp(level, *_rising(z, np.log(layer.x)))), y)
            for z, y in zip(layer.z, layer.y, strict=True)
            if np.nanmin(z) <= level <= np.nanmax(z)
        ]
        if len(points) > 1:
            x, y = np.array(points).T
            yield _path(frame.x(np.exp(x)), frame.y(y), tint, "1.4", "")


def _rising(z: Numbers, x: Numbers) -> tuple[Numbers, Numbers]:
    order = np.argsort(z)
    return z[order], x[order]


def _path(x: Numbers, y: Numbers, tint: str, width: str, dash: str) -> str:
    pen, steps = "M", []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        gap = not (np.isfinite(a) and np.isfinite(b))
        if not gap:
            steps.append(f"{pen}{a:.1f} {b:.1f}")
        pen = "M" if gap else "L"
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{tint}" stroke-width="{width}"{dashed}/>'
    )


def _finite(x: Numbers, y: Numbers) -> Iterator[tuple[float, float]]:
    """Yield the points that have a place."""
    mask = np.isfinite(x) & np.isfinite(y)
    yield from zip(x[mask].tolist(), y[mask].tolist(), strict=True)


def _mark(x: float, y: float, kind: str, tint: str) -> str:
    if kind == "best":
        return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" fill="{tint}"/>'
    if kind == "dropped":
        return (
            f'<path d="M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6" stroke="{tint}" '
            'stroke-width="1.4" fill="none"/>'
        )
    fill = "#ffffff" if kind == "truth" else tint
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{fill}" fill-opacity="0.75" '
        f'stroke="{tint}" stroke-width="1.4"/>'
    )


def _shade(figure: Figure, frame: _Frame) -> Iterator[str]:
    if figure.extrapolates_from is None:
        return
    x = float(frame.x(figure.extrapolates_from))
    yield (
        f'<rect x="{x:.1f}" y="{TOP}" width="{WIDE - RIGHT - x:.1f}" '
        f'height="{HIGH - TOP - BOTTOM}" fill="#f3f1ec"/>'
    )
    yield f'<text x="{WIDE - RIGHT - 4}" y="{TOP - 5}" text-anchor="end">extrapolation →</text>'


def _ticks(figure: Figure, frame: _Frame) -> Iterator[str]:
    low, right = HIGH - BOTTOM, WIDE - RIGHT
    for value in frame.across.ticks():
        x = float(frame.x(value))
        yield f'<path d="M{x:.1f} {TOP}V{low + 4}" stroke="{_GRID}"/>'
        label = _label(figure.x, frame.across, value)
        yield f'<text x="{x:.1f}" y="{low + 17}" text-anchor="middle">{label}</text>'
    for value in frame.up.ticks():
        y = float(frame.y(value))
        yield f'<path d="M{LEFT - 4} {y:.1f}H{right}" stroke="{_GRID}"/>'
        label = _label(figure.y, frame.up, value)
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    yield f'<path d="M{LEFT} {TOP}V{low}H{right}" fill="none" stroke="{_INK}"/>'


def _label(axis: Axis, scale: AxisScale, value: float) -> str:
    if not in_powers(axis, scale) or value == 0:
        return show(value, 4)
    mantissa, exponent = f"{value:.3e}".split("e")
    factor = "" if float(mantissa) == 1 else f"{float(mantissa):g}×"
    return f'{factor}10<tspan dy="-4" font-size="9">{int(exponent)}</tspan>'


def _titles(figure: Figure) -> Iterator[str]:
    across, up = (_named(axis) for axis in (figure.x, figure.y))
    lines = textwrap.wrap(up, 40)
    middle, centre = (LEFT + WIDE - RIGHT) / 2, (TOP + HIGH - BOTTOM) / 2
    yield f'<text x="{LEFT}" y="16" font-weight="600">{html.escape(figure.title)}</text>'
    named = html.escape(across)
    yield f'<text x="{middle:.0f}" y="{HIGH - 14}" text-anchor="middle">{named}</text>'
    for turn, line in enumerate(lines):
        place = f'transform="translate({14 + 14 * turn} {centre:.0f}) rotate(-90)"'
        yield f'<text {place} text-anchor="middle">{html.escape(line)}</text>'


def _named(axis: Axis) -> str:
    return axis.label if axis.unit in ("", "1") else f"{axis.label} [{axis.unit}]"


def _entries(layers: Sequence[Layer], tints: Sequence[str]) -> dict[str, tuple[Layer, str]]:
    """Return what stands for each name in the legend: the first layer that bears it."""
    entries: dict[str, tuple[Layer, str]] = {}
    for layer, tint in zip(layers, tints, strict=True):
        entries.setdefault(layer.name, (layer, tint))
    return entries


def _legend(entries: dict[str, tuple[Layer, str]]) -> Iterator[tuple[int, float, str, Layer, str]]:
    """Yield the row and the left edge of every entry; a row is filled before the next begins."""
    row, x = 0, float(LEFT)
    for name, (layer, tint) in entries.items():
        width = 34 + LETTER * len(name) + 14
        if x > LEFT and x + width > WIDE:
            row, x = row + 1, float(LEFT)
        yield row, x, name, layer, tint
        x += width


def _entry(row: int, x: float, name: str, layer: Layer, tint: str) -> Iterator[str]:
    y = HIGH + 20 * row + 8
    if isinstance(layer, Points):
        yield _mark(x + 14, y - 4, layer.kind, tint)
    else:
        kind = layer.kind if isinstance(layer, Line) else "fit"
        ends = np.array([x, x + 26]), np.full(2, y - 4.0)
        yield _path(*ends, tint, _STROKES[kind], _DASHES.get(kind, ""))
    yield f'<text x="{x + 34:.0f}" y="{y}">{html.escape(name)}</text>'
