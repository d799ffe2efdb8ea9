"""Khatri et al. 2025 (ScaleRL): the sigmoid of reward in compute, and recipes that differ in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.law import Law
from isoflop.laws import constants, form
from isoflop.pages.field_figures import draws
from isoflop.report import Axis, Figure, Layer, Line, Paragraph, Points, Report, Table

POINTS = 80
PAPER = "Khatri et al. 2025, arXiv:2510.13786"
MAIN = "sigmoid/khatri2025-scalerl"
PREFIX = "khatri2025-"
_HOURS = Axis.of("hours")
_RATE = Axis("R: pass rate on held-out problems", "1", log=False)


@draws("scalerl")
def scalerl() -> Report:
    """ScaleRL 2025: the sigmoid with its ceiling A, midpoint C_mid and steepness B; recipes."""
    sets = {n.removeprefix(PREFIX): c.law for n, c in form("sigmoid").published.items()}
    rows = tuple(
        (name, *(law.values[k] for k in ("A", "B", "C_mid", "R_0"))) for name, law in sets.items()
    )
    blocks = (
        Paragraph(
            "R(C) = R_0 + (A - R_0) / (1 + (C_mid / C)^B). A is the ceiling, C_mid the compute at "
            "which half of the gain is reached, B how steep the rise is. A recipe that is ahead "
            "early may have the lower ceiling: compare A before speed."
        ),
        _annotated(),
        _recipes(sets),
        Table(
            ("recipe", "A: ceiling", "B: steepness", "C_mid [GPU-hours]", "R_0"),
            rows,
            "Table 1 of the paper.",
        ),
    )
    data = {name: {k: float(v) for k, v in law.values.items()} for name, law in sets.items()}
    return Report(f"Figures of {PAPER}", blocks, {"constants": data})


def _annotated() -> Figure:
    law = constants(MAIN).law
    A, mid, start = (float(law.values[k]) for k in ("A", "C_mid", "R_0"))
    hours = np.geomspace(100, 1e5, POINTS)
    ends = hours[[0, -1]]
    return Figure(
        "The sigmoid and its parameters",
        _HOURS,
        _RATE,
        (
            Line("R(C) of ScaleRL", hours, np.asarray(law(hours))),
            Line(f"A = {A:g}, the ceiling", ends, np.array([A, A]), "reference"),
            Line(f"R_0 = {start:g}, before RL", ends, np.array([start, start]), "reference"),
            Points(
                "half of the gain",
                np.array([mid]),
                np.array([(A + start) / 2]),
                "best",
                labels=(f"C_mid = {mid:,.0f}",),
            ),
        ),
    )


def _recipes(sets: Mapping[str, Law]) -> Figure:
    hours = np.geomspace(100, 1e5, POINTS)
    layers: list[Layer] = [
        Line(name, hours, np.asarray(law(hours)), "fit" if name == "scalerl" else "rival")
        for name, law in sets.items()
    ]
    return Figure(
        "Recipes: other ceilings, other speeds",
        _HOURS,
        _RATE,
        tuple(layers),
        "Curves cross: what is ahead after a thousand hours need not be after thirty thousand.",
    )
