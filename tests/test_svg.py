"""Figures as SVG: whole documents that name every layer, and are the same each time."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from isoflop.report import Axis, Band, Contours, ErrorBar, Figure, Line, Points
from isoflop.report.svg import BOTTOM, HIGH, LEFT, RIGHT, TOP, WIDE, to_svg

SVG = "{http://www.w3.org/2000/svg}"
X = np.geomspace(1e18, 1e22, 9)
C, L = Axis("C: training compute", "FLOP"), Axis("L: loss", "nats/token")


def parsed(figure: Figure) -> ElementTree.Element:
    return ElementTree.fromstring(to_svg(figure))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def everything() -> Figure:
    y = 2 + 1e3 / X**0.15
    layers = (
        Band("90%", X, 0.9 * y, 1.1 * y),
        Line("fit", X, y),
        Points("runs", X, y * 1.02, "data"),
        Points("left out", X[:1], y[:1] * 1.3, "dropped"),
        Points("held out", X[-2:], y[-2:], "truth"),
        ErrorBar("forecast", 1e23, 2.2, 2.1, 2.3),
    )
    return Figure("Loss <of> runs & more", C, L, layers, extrapolates_from=1e22)


def test_every_layer_is_drawn_and_named_and_markup_is_text():
    root = parsed(everything())
    words = texts(root)
    assert {layer.name for layer in everything().layers} <= set(words)
    assert {"Loss <of> runs & more", "C: training compute [FLOP]", "L: loss [nats/token]",
            "extrapolation →"} <= set(words)  # fmt: skip
    assert len(list(root.iter(f"{SVG}circle"))) == 9 + 2 + 1 + 1  # and two in the legend
    assert len(list(root.iter(f"{SVG}polygon"))) == 1


def test_large_numbers_are_powers_of_ten():
    assert "1020" in texts(parsed(everything()))  # 10 with 20 raised
    line = Line("l", np.array([1e6, 1e9]), np.ones(2))
    assert "10M" in texts(parsed(Figure("N", Axis("N", "params"), L, (line,))))


def test_marks_stay_within_the_frame():
    for node in parsed(everything()).iter(f"{SVG}circle"):
        x, y = float(node.get("cx")), float(node.get("cy"))
        assert LEFT <= x <= WIDE - RIGHT
        assert TOP <= y <= HIGH - BOTTOM or y > HIGH - 1, "in the frame, or in the legend"


def test_what_has_no_place_is_left_out_and_a_gap_stays_a_gap():
    y = np.array([3.0, 2.9, np.nan, 2.7, 2.6])
    figure = Figure("t", C, L, (Line("fit", X[:5], y), Points("p", X[:5], y)))
    root = parsed(figure)
    curve = next(n.get("d") for n in root.iter(f"{SVG}path") if n.get("stroke-width") == "2.2")
    assert curve.count("M") == 2
    assert "nan" not in to_svg(figure)


def test_contours_are_lines_of_one_level():
    x, y = np.geomspace(1, 100, 20), np.geomspace(1, 100, 30)
    z = np.log10(x)[None, :] + np.log10(y)[:, None]
    figure = Figure("z", Axis("a", "1"), Axis("b", "1"), (Contours("sum", x, y, z, "1"),))
    lines = [
        n.get("d") for n in parsed(figure).iter(f"{SVG}path") if n.get("stroke-width") == "1.4"
    ]
    assert len(lines) >= 4
    for line in lines:  # each falls from left to right at 45 degrees of the frame
        ends = [tuple(map(float, step.split())) for step in line[1:].split("L")]
        (x0, y0), (x1, y1) = ends[0], ends[-1]
        slope = (y1 - y0) / (HIGH - TOP - BOTTOM) / ((x1 - x0) / (WIDE - LEFT - RIGHT))
        assert slope == pytest.approx(1, abs=0.02)


def test_the_same_figure_is_the_same_image():
    assert to_svg(everything()) == to_svg(everything())


def test_a_long_legend_takes_rows_and_the_image_grows():
    names = [f"a set with a long name {i}" for i in range(9)]
    few, many = (
        Figure("t", C, L, tuple(Line(n, X, 2 + i + 1e3 / X**0.15) for i, n in enumerate(group)))
        for group in (names[:2], names)
    )
    assert float(parsed(many).get("height")) > float(parsed(few).get("height"))
    rows = {node.get("y") for node in parsed(many).iter(f"{SVG}text") if node.text in names}
    assert len(rows) >= 3
