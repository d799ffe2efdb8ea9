"""A Figure drawn with characters: lines in braille dots, points as marks, for any terminal."""

from __future__ import annotations

import itertools
import string
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from rich.text import Text

from isoflop.arrays import Numbers
from isoflop.quantities import show
from isoflop.report.document import Axis, Band, Contours, ErrorBar, Figure, Layer, Line, Points
from isoflop.report.number_format import with_unit
from isoflop.report.scales import AxisScale, in_powers, levels, scales
from isoflop.terminal import printable

ROWS = 16
_MOST_COLUMNS = 60
_DOT_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_FANCY = {
    "data": "•",
    "dropped": "×",
    "truth": "★",
    "best": "◆",
    "interval": "○",
    "bar": "│",
    "band": "░",
    "limit": "┊",
    "line": "⠤",
    "up": "│",
    "along": "─",
    "corner": "└",
    "tick": "┤",
    "under": "┴",
}
_ASCII = {
    "data": "o",
    "dropped": "x",
    "truth": "*",
    "best": "#",
    "interval": "O",
    "bar": "|",
    "band": ":",
    "limit": "!",
    "line": "-",
    "up": "|",
    "along": "-",
    "corner": "+",
    "tick": "+",
    "under": "+",
}
_TINTS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan")


@dataclass
class _Canvas:
    """Cells (rows, columns) of marks over dots, four high and two wide in every cell."""

    columns: int
    across: AxisScale
    up: AxisScale
    glyphs: dict[str, str]
    marks: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    dots: npt.NDArray[np.bool_] = field(init=False)
    tints: dict[tuple[int, int], str] = field(default_factory=dict)
    shades: set[tuple[int, int]] = field(default_factory=set)
    legend: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dots = np.zeros((ROWS * 4, self.columns * 2), dtype=bool)

    def cells(self, x: npt.ArrayLike, y: npt.ArrayLike, fine: int = 1) -> list[tuple[int, int]]:
        """Return (row, column) of values, in dots where `fine` is 2; without what is outside."""
        high, wide = (ROWS * 4, self.columns * 2) if fine == 2 else (ROWS, self.columns)
        across, up = np.atleast_1d(self.across.place(x)), np.atleast_1d(self.up.place(y))
        inside = (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
        rows = np.minimum(((1 - up[inside]) * high).astype(int), high - 1)
        cols = np.minimum((across[inside] * wide).astype(int), wide - 1)
        return list(zip(rows.tolist(), cols.tolist(), strict=True))

    def mark(self, x: npt.ArrayLike, y: npt.ArrayLike, mark: str, tint: str) -> None:
        """Put a character at every point."""
        self.marks |= dict.fromkeys(self.cells(x, y), (mark, tint))

    def stroke(self, x: Numbers, y: Numbers, tint: str, gap: int = 1) -> None:
        """Draw a curve in dots, of which only each `gap`-th is set."""
        u, v = self.across.place(x), self.up.place(y)
        good = np.isfinite(u) & np.isfinite(v)
        if good.sum() < 2:
            return
        u, v = u[good], v[good]
        steps = np.hypot(np.diff(u) * self.columns * 2, np.diff(v) * ROWS * 4)
        walked = np.concatenate([[0.0], np.cumsum(steps)])
        at = np.arange(0.0, walked[-1] + 0.5, 0.5)
        unit = _Canvas(self.columns, AxisScale(0, 1, False), AxisScale(0, 1, False), self.glyphs)
        path = unit.cells(np.interp(at, walked, u), np.interp(at, walked, v), fine=2)
        for i, (row, col) in enumerate(dict.fromkeys(path)):
            if i // 2 % gap == 0:
                self.dots[row, col] = True
                self.tints[row // 4, col // 2] = tint

    def character(self, row: int, col: int, plain: bool) -> tuple[str, str]:
        """Return the character of a cell and its colour."""
        if (row, col) in self.marks:
            return self.marks[row, col]
        block = self.dots[row * 4 : row * 4 + 4, col * 2 : col * 2 + 2]
        tint = self.tints.get((row, col), "")
        if not block.any():
            return (self.glyphs["band"], "dim") if (row, col) in self.shades else (" ", "")
        if plain:
            return "'-."[min(2, int(np.argwhere(block)[:, 0].mean() * 3 / 4))], tint
        return chr(0x2800 + int(_DOT_BITS[block].sum())), tint


def draw(figure: Figure, width: int = 80, plain: bool = False) -> list[Text]:
    """Return the lines of a plot at most `width` wide; `plain` keeps to ASCII."""
    across, up = scales(figure)
    labels = {_row(up, v): label(figure.y, up, v) for v in reversed(up.ticks())}
    margin = max(map(len, labels.values()), default=0)
    columns = max(16, min(_MOST_COLUMNS, width - margin - 3))
    canvas = _Canvas(columns, across, up, _ASCII if plain else _FANCY)
    letters = _letters(figure)
    order = sorted(range(len(figure.layers)), key=lambda i: _height(figure.layers[i]))
    tints = _tints(figure.layers)
    for rank in order:
        _draw_layer(canvas, figure.layers[rank], tints[rank], letters)
    _limit(canvas, figure)
    lines = [Text(_titled(figure.y, plain))]
    for row in range(ROWS):
        rule = canvas.glyphs["tick" if row in labels else "up"]
        line = Text(f"{labels.get(row, ''):>{margin}} {rule}")
        for col in range(columns):
            line.append(*canvas.character(row, col, plain))
        lines.append(line)
    lines += [Text(" " * (margin + 1) + text) for text in _foot(canvas, figure.x)]
    lines.append(Text(" " * (margin + 2) + _titled(figure.x, plain)))
    return lines + _legend(canvas, figure, margin, plain)


def _draw_layer(canvas: _Canvas, layer: Layer, tint: str, letters: dict[str, str]) -> None:
    match layer:
        case Points():
            family = layer.kind == "data" and layer.group in letters
            mark = letters[layer.group] if family else canvas.glyphs[layer.kind]
            canvas.mark(layer.x, layer.y, mark, "bold red" if layer.kind == "truth" else tint)
            canvas.legend.append((mark, tint, layer.name))
        case Line():
            canvas.stroke(layer.x, layer.y, tint, gap=1 if layer.kind in ("fit", "frontier") else 3)
            if layer.group not in letters:
                _name_line(canvas, layer, tint)
        case Band():
            _shade(canvas, layer)
        case ErrorBar():
            low, high = canvas.up.place([layer.low, layer.high])
            span = canvas.up.move([canvas.up.low, canvas.up.high])
            rise = span[0] + np.linspace(low, high, ROWS * 2) * (span[1] - span[0])
            bar = 10.0**rise if canvas.up.log else rise
            canvas.mark(np.full(len(bar), layer.x), bar, canvas.glyphs["bar"], tint)
            canvas.mark(layer.x, layer.value, canvas.glyphs["interval"], tint)
            canvas.legend.append((canvas.glyphs["interval"], tint, layer.name))
        case Contours():
            _outline(canvas, layer)


def _name_line(canvas: _Canvas, layer: Line, tint: str) -> None:
    """Write a letter on a rival, near its end: without colour, that tells rivals apart."""
    mark = canvas.glyphs["line"]
    if layer.kind == "rival":
        used = sum(m in string.ascii_uppercase for m, _, _ in canvas.legend)
        mark = string.ascii_uppercase[used % 26]
        path = canvas.cells(layer.x, layer.y)
        at = int(len(path) * max(0.1, 0.93 - 0.05 * used))
        canvas.marks |= dict.fromkeys(path[at : at + 1], (mark, tint))
    canvas.legend.append((mark, tint, layer.name))


def _shade(canvas: _Canvas, layer: Band) -> None:
    centres = (np.arange(canvas.columns) + 0.5) / canvas.columns
    u = canvas.across.place(layer.x)
    low = canvas.up.place(np.maximum(layer.low, canvas.up.low))
    high = canvas.up.place(np.minimum(layer.high, canvas.up.high))
    good = np.isfinite(u) & np.isfinite(low) & np.isfinite(high)
    if not good.any():
        return
    order = np.argsort(u[good], kind="stable")
    u, low, high = (values[good][order] for values in (u, low, high))
    rows = 1 - (np.arange(ROWS) + 0.5) / ROWS
    half = 0.5 / ROWS
    for col in np.flatnonzero((centres >= u[0]) & (centres <= u[-1])):
        bottom, top = np.interp(centres[col], u, low), np.interp(centres[col], u, high)
        for row in np.flatnonzero((rows + half > bottom) & (rows - half < top)):
            canvas.shades.add((int(row), int(col)))
    canvas.legend.append((canvas.glyphs["band"], "dim", layer.name))


def _outline(canvas: _Canvas, layer: Contours) -> None:
    """Draw lines of equal z with digits, one digit for each level."""
    at = levels(layer)
    at = at[:: max(1, -(-len(at) // 9))]
    cols = _nearest(canvas.across, layer.x, canvas.columns)
    rows = _nearest(canvas.up, layer.y, ROWS)[::-1]
    between = np.searchsorted(np.array(at), layer.z[np.ix_(rows, cols)])
    for row, col in itertools.product(range(ROWS), range(canvas.columns)):
        here = between[row : row + 2, col : col + 2].ravel()[:3]
        if here.min() != here.max():
            canvas.marks[row, col] = (str(here.max()), "dim")
    named = ", ".join(f"{i + 1} = {show(level)}" for i, level in enumerate(at))
    canvas.legend.append(("1", "dim", f"{layer.name} [{layer.unit}]: {named}"))


def _nearest(scale: AxisScale, grid: Numbers, cells: int) -> npt.NDArray[np.intp]:
    centres = (np.arange(cells) + 0.5) / cells
    nearest: npt.NDArray[np.intp] = np.abs(scale.place(grid)[None, :] - centres[:, None]).argmin(1)
    return nearest


def _limit(canvas: _Canvas, figure: Figure) -> None:
    start = figure.extrapolates_from
    if start is None:
        return
    for _, col in canvas.cells(start, canvas.up.low):
        for row in range(ROWS):
            mark, _ = canvas.character(row, col, plain=False)
            if mark in (" ", canvas.glyphs["band"]):
                canvas.marks[row, col] = (canvas.glyphs["limit"], "bold")
    label = f"right of this, from {with_unit(show(start), figure.x.unit)}: extrapolation"
    canvas.legend.append((canvas.glyphs["limit"], "bold", label))


def _foot(canvas: _Canvas, axis: Axis) -> list[str]:
    """Return the axis, and its labels where they do not collide."""
    rule = [canvas.glyphs["along"]] * canvas.columns
    labels = [" "] * (canvas.columns + 8)
    free = 0
    for tick in canvas.across.ticks():
        col = min(canvas.columns - 1, int(canvas.across.place(tick) * canvas.columns))
        text = label(axis, canvas.across, tick)
        begin = max(0, col + 1 - len(text) // 2)
        rule[col] = canvas.glyphs["under"]
        if begin >= free and begin + len(text) <= len(labels):
            labels[begin : begin + len(text)] = text
            free = begin + len(text) + 1
    corner = canvas.glyphs["corner"]
    return [corner + "".join(rule), "".join(labels).rstrip()]


def _legend(canvas: _Canvas, figure: Figure, margin: int, plain: bool) -> list[Text]:
    ranks = {layer.name: i for i, layer in enumerate(figure.layers)}
    entries = sorted(dict.fromkeys(canvas.legend), key=lambda e: ranks.get(e[2], len(ranks)))
    once = {name: (mark, tint) for mark, tint, name in reversed(entries)}
    return [
        Text(" " * (margin + 2)).append(mark, tint).append(" " + printable(name, plain))
        for name, (mark, tint) in reversed(once.items())
    ]


def _letters(figure: Figure) -> dict[str, str]:
    """Return a letter for every group of observations, where there are several groups."""
    clouds = (la.group for la in figure.layers if isinstance(la, Points) and la.kind == "data")
    groups = tuple(dict.fromkeys(group for group in clouds if group))
    if len(groups) < 2:
        return {}
    return dict(zip(groups, itertools.cycle(string.ascii_lowercase), strict=False))


def _tints(layers: tuple[Layer, ...]) -> list[str]:
    owners = [("" if isinstance(la, Contours) else la.group) or la.name for la in layers]
    turns = {owner: i for i, owner in enumerate(dict.fromkeys(owners))}
    return [_TINTS[turns[owner] % len(_TINTS)] for owner in owners]


def _height(layer: Layer) -> int:
    kind = layer.kind if isinstance(layer, Points) else type(layer).__name__
    order = ("Contours", "Band", "Line", "dropped", "data", "ErrorBar", "best", "truth")
    return order.index(kind)


def label(axis: Axis, scale: AxisScale, value: float) -> str:
    """Return a tick as text: 70B, or 5e13 where the axis counts in powers of ten."""
    if not in_powers(axis, scale) or value == 0:
        return show(value, 4)
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _row(scale: AxisScale, value: float) -> int:
    return min(ROWS - 1, int((1 - float(scale.place(value))) * ROWS))


def _titled(axis: Axis, plain: bool) -> str:
    title = axis.label if axis.unit in ("", "1") else f"{axis.label} [{axis.unit}]"
    return printable(title, plain)
