"""A Figure as the plain dictionary that Plotly draws; nothing is imported to make it."""

from __future__ import annotations

import html
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.quantities import show
from isoflop.report.colours import ORDERED, clear, colours
from isoflop.report.document import Axis, Band, Contours, ErrorBar, Figure, Layer, Line, Points
from isoflop.report.labels import written
from isoflop.report.number_format import with_unit
from isoflop.report.scales import AxisScale, in_powers, levels, scales, thin

Trace: TypeAlias = dict[str, Any]

_GRID = "rgba(128,134,145,0.25)"
_SHADE = "rgba(128,134,145,0.12)"
_RULE = "rgba(128,134,145,0.9)"
_MARKERS: dict[str, Trace] = {
    "data": {"symbol": "circle", "size": 7, "opacity": 0.75},
    "dropped": {"symbol": "x-thin-open", "size": 7, "line": {"width": 1.5}},
    "truth": {"symbol": "star", "size": 17, "line": {"width": 1, "color": "#ffffff"}},
    "best": {"symbol": "diamond", "size": 11, "line": {"width": 1, "color": "#ffffff"}},
}
_STROKES: dict[str, Trace] = {
    "fit": {"width": 2.5},
    "frontier": {"width": 3.5},
    "rival": {"width": 1.3},
    "reference": {"width": 1.3, "dash": "dot"},
}
_DASHES = ("dash", "dashdot", "longdash", "dot", "longdashdot")
_BELOW = ("contours", "band", "reference", "rival", "fit", "frontier", "data", "dropped", "best")


def to_plotly(figure: Figure) -> dict[str, Any]:
    """Return {"data", "layout"} of a figure: JSON types only, the same for the same figure."""
    across, up = scales(figure)
    tints = colours(figure)
    names = _legend_names(figure.layers)
    rivals = _turns(figure.layers)
    traces = []
    for rank, (layer, tint) in enumerate(zip(figure.layers, tints, strict=True)):
        trace = _trace(layer, tint, figure, up) | {
            "name": _plain(names[rank]),
            "showlegend": names[rank] not in names[:rank],
            "legendgroup": names[rank],
            "legendrank": rank + 1 + len(tints) * (_height(layer) >= _BELOW.index("best")),
        }
        if rank in rivals:
            trace["line"]["dash"] = _DASHES[rivals[rank] % len(_DASHES)]
        traces.append((_height(layer), rank, trace))
    return {
        "data": [
            *(trace for _, _, trace in sorted(traces, key=lambda t: t[:2])),
            *written(figure, across, up),
        ],
        "layout": _layout(figure, across, up, entries=len(set(names))),
    }


def _trace(layer: Layer, tint: str, figure: Figure, up: AxisScale) -> Trace:
    match layer:
        case Points():
            return _points(layer, tint, figure)
        case Line():
            return _line(layer, tint, figure)
        case Band():
            return _band(layer, tint, up)
        case ErrorBar():
            return _interval(layer, tint, figure)
        case Contours():
            return _contours(layer, figure)


def _points(layer: Points, tint: str, figure: Figure) -> Trace:
    order = np.argsort(layer.x, kind="stable")
    index = order[thin(layer.x[order], layer.y[order])]
    hover_texts = _hovers(layer, index.tolist(), figure)
    rows = {"customdata": [layer.rows[i] for i in index]} if layer.rows else {}
    return rows | {
        "type": "scatter",
        "mode": "markers",
        "x": _listed(layer.x[index]),
        "y": _listed(layer.y[index]),
        "marker": {"color": tint} | _MARKERS[layer.kind],
        "hovertext": hover_texts,
        "hoverinfo": "text",
    }


def _line(layer: Line, tint: str, figure: Figure) -> Trace:
    index = thin(layer.x, layer.y)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _listed(layer.x[index]),
        "y": _listed(layer.y[index]),
        "line": {"color": tint} | _STROKES[layer.kind],
        "hovertext": _hovers(layer, index.tolist(), figure),
        "hoverinfo": "text",
    }


def _band(layer: Band, tint: str, up: AxisScale) -> Trace:
    """Return one closed outline, cut where the band leaves the axis so that a log can draw it."""
    whole = np.isfinite(layer.x) & ~np.isnan(layer.low) & ~np.isnan(layer.high)
    x, low, high = (
        np.asarray(values, dtype=np.float64)[whole] for values in (layer.x, layer.low, layer.high)
    )
    index = np.union1d(thin(x, low), thin(x, high))
    x = x[index]
    low, high = (np.clip(values[index], up.low, up.high) for values in (low, high))
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _listed(np.concatenate([x, x[::-1]])),
        "y": _listed(np.concatenate([high, low[::-1]])),
        "line": {"width": 1, "color": tint},  # the shade alone is too faint to be an edge
        "fill": "toself",
        "fillcolor": clear(tint, 0.2),
        "hoverinfo": "skip",
    }


def _interval(layer: ErrorBar, tint: str, figure: Figure) -> Trace:
    span = f"{show(layer.low, 4)} to {show(layer.high, 4)}"
    where = _where(figure, layer.x, layer.value)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": _listed(np.array([layer.x])),
        "y": _listed(np.array([layer.value])),
        "marker": {"color": tint, "symbol": "circle-open", "size": 10, "line": {"width": 2}},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": _listed(np.array([layer.high - layer.value])),
            "arrayminus": _listed(np.array([layer.value - layer.low])),
            "color": tint,
            "thickness": 2,
            "width": 7,
        },
        "hovertext": [f"<b>{_plain(layer.name)}</b><br>{where}<br>interval {span}"],
        "hoverinfo": "text",
    }


def _contours(layer: Contours, figure: Figure) -> Trace:
    at = levels(layer) or (0.0,)
    step = at[1] - at[0] if len(at) > 1 else 1.0
    x, y = _plain(_symbol(figure.x)), _plain(_symbol(figure.y))
    return {
        "type": "contour",
        "x": _listed(layer.x),
        "y": _listed(layer.y),
        "z": [_listed(row) for row in layer.z],
        "autocontour": False,
        "contours": {
            "coloring": "lines",
            "showlabels": True,
            "start": at[0],
            "end": at[-1],
            "size": step,
            "labelfont": {"size": 11},
        },
        "colorscale": [[i / (len(ORDERED) - 1), tint] for i, tint in enumerate(ORDERED)],
        "showscale": False,
        "line": {"width": 1.5},
        "hovertemplate": f"{x} = %{{x:.4s}}<br>{y} = %{{y:.4s}}<br>"
        f"{_plain(with_unit('%{z:.4g}', layer.unit))}<extra>{_plain(layer.name)}</extra>",
    }


def _layout(figure: Figure, across: AxisScale, up: AxisScale, entries: int) -> dict[str, Any]:
    position = {"x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom"}
    narrow = {
        "xaxis": _words(figure.x, across, across.ticks(3, 6), wrap=34),
        "yaxis": _words(figure.y, up, up.ticks(), wrap=42),
    }
    layout: dict[str, Any] = {
        "xaxis": _axis(figure.x, across, wrap=52),
        "yaxis": _axis(figure.y, up, wrap=42),
        "legend": {"orientation": "h", "itemwidth": 38, "bgcolor": "rgba(0,0,0,0)"} | position,
        "showlegend": entries > 0,
        "meta": {"entries": entries, "narrow": narrow},
        "margin": {"l": 64, "r": 20, "t": 46, "b": 56},  # the top holds buttons and a label
        "height": 440 + 22 * math.ceil(entries / 4),
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 13, "family": "system-ui, sans-serif"},
    }
    return layout | _extrapolation(figure, across)


def _axis(axis: Axis, scale: AxisScale, wrap: int) -> dict[str, Any]:
    powers = in_powers(axis, scale)
    return {
        "type": "log" if scale.log else "linear",
        "range": scale.move([scale.low, scale.high]).tolist(),
        "tickmode": "array",
        "minor": {"tickmode": "array", "tickvals": list(scale.minor), "ticks": "outside"},
        # What Plotly falls back on when a reader zooms in, past the ticks chosen here.
        "exponentformat": "power" if powers else "B",
        "automargin": True,
        "gridcolor": _GRID,
        "linecolor": _RULE,
        "tickcolor": _RULE,
        "ticks": "outside",
        "showline": True,
        "zeroline": False,
    } | _words(axis, scale, scale.ticks(), wrap)


def _words(axis: Axis, scale: AxisScale, ticks: tuple[float, ...], wrap: int) -> dict[str, Any]:
    """Return the part of an axis that depends on the room for words."""
    title = axis.label if axis.unit in ("", "1") else f"{axis.label} [{axis.unit}]"
    lines = (_plain(line) for line in textwrap.wrap(title, wrap))
    return {
        "tickvals": list(ticks),
        "ticktext": [_power(v) if in_powers(axis, scale) else show(v, 4) for v in ticks],
        "title": {"text": "<br>".join(lines), "standoff": 12, "font": {"size": 13}},
    }


def _extrapolation(figure: Figure, across: AxisScale) -> dict[str, Any]:
    start = figure.extrapolates_from
    if start is None:
        return {}
    tall: dict[str, Any] = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    rule = {"color": _RULE, "width": 1.5, "dash": "dash"}
    return {
        "shapes": [
            tall
            | {"type": "rect", "x0": start, "x1": across.high, "fillcolor": _SHADE}
            | {"line": {"width": 0}},
            tall | {"type": "line", "x0": start, "x1": start, "line": rule},
        ],
        "annotations": [
            {
                "text": "extrapolation →",
                # Held to the data, not to the frame: gone where a reader zooms in elsewhere.
                "x": float(across.move(across.high)),
                "xref": "x",
                "xanchor": "right",
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 12},
            }
        ],
    }


def _legend_names(layers: Sequence[Layer]) -> list[str]:
    """Return the legend entry of every layer: of a family of groups, one entry for each group."""
    plain = [
        layer.group
        if (isinstance(layer, Points) and layer.kind == "data")
        or (isinstance(layer, Line) and layer.kind == "fit")
        else ""
        for layer in layers
    ]
    sizes = Counter(group for group in plain if group)
    family = sum(size > 1 for size in sizes.values()) > 1
    return [
        group if family and sizes[group] > 1 else layer.name
        for group, layer in zip(plain, layers, strict=True)
    ]


def _turns(layers: Sequence[Layer]) -> dict[int, int]:
    """Return the turn of every rival by its rank, so that dashes tell rivals apart in grey."""
    rivals = (i for i, la in enumerate(layers) if isinstance(la, Line) and la.kind == "rival")
    return {rank: turn for turn, rank in enumerate(rivals)}


def _height(layer: Layer) -> int:
    """Return how far up a layer is drawn; what was measured and forecast lies on top."""
    kind = layer.kind if isinstance(layer, Points | Line) else type(layer).__name__.lower()
    return _BELOW.index(kind) if kind in _BELOW else len(_BELOW) + (kind == "truth")


def _hovers(layer: Points | Line, index: list[int], figure: Figure) -> list[str]:
    hover = layer.hover if isinstance(layer, Points) else ()
    head = f"<b>{_plain(layer.name)}</b><br>"
    return [
        head
        + (f"{_plain(hover[i])}<br>" if i < len(hover) else "")
        + _where(figure, float(layer.x[i]), float(layer.y[i]))
        for i in index
    ]


def _where(figure: Figure, x: float, y: float) -> str:
    pairs = ((figure.x, x), (figure.y, y))
    return "<br>".join(
        _plain(f"{_symbol(axis)} = {with_unit(show(value, 4), axis.unit)}") for axis, value in pairs
    )


def _symbol(axis: Axis) -> str:
    return axis.label.split(":")[0]


def _power(value: float) -> str:
    """Return 2e18 as 2×10^18 with a raised exponent, in the markup that Plotly reads."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.3e}".split("e")
    factor = f"{float(mantissa):g}"
    return ("" if factor == "1" else f"{factor}×") + f"10<sup>{int(exponent)}</sup>"


def _plain(text: str) -> str:
    """Return text that Plotly shows as it is, whatever markup it holds."""
    return html.escape(text, quote=False)


def _listed(values: Numbers) -> list[float | None]:
    """Return numbers as JSON has them, to 8 digits; what is not finite is a gap."""
    return [float(f"{v:.8g}") if math.isfinite(v) else None for v in values]
