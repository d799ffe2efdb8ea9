"""Henighan et al. 2020: one form in every domain, and what is left to learn of each."""

from __future__ import annotations

from typing import Literal

import numpy as np

from isoflop.arrays import Numbers
from isoflop.law import Law, Published
from isoflop.laws import form
from isoflop.laws.power import PF_DAY
from isoflop.pages.field_figures import draws
from isoflop.report import Axis, Figure, Line, Paragraph, Report, Table

POINTS = 60
PAPER = "Henighan et al. 2020, arXiv:2010.14701"
PREFIX = "henighan2020-"


@draws("henighan")
def henighan() -> Report:
    """Henighan 2020: loss and reducible loss by compute, and best size, in ten domains."""
    by_loss = _sets("-c", without=("-n-of-c", "-per-image-c"))
    rows = tuple(
        (
            _domain(c),
            c.law.values["E"],
            c.law.values["alpha"],
            (c.law.values["A"]) ** (1 / c.law.values["alpha"]) / PF_DAY,
        )
        for c in by_loss
    )
    blocks = (
        Paragraph(
            "In images, video, mathematics and language alike the loss is a constant, read as the "
            "entropy of the data, plus a power of compute, read as the distance of the model from "
            "it. The best size grows as about the 0.7th power of compute in all of them."
        ),
        _figure(by_loss, reducible=True),
        _figure(by_loss, reducible=False),
        _best_sizes(),
        Table(
            ("domain", "irreducible loss [nats/token]", "exponent", "scale [PF-days]"),
            rows,
            "Table 1 of the paper: L(C) = E + (C_0 / C)^alpha.",
        ),
    )
    data = {c.key: {k: float(v) for k, v in c.law.values.items()} for c in by_loss}
    return Report(f"Figures of {PAPER}", blocks, {"constants": data})


def _sets(suffix: str, without: tuple[str, ...] = ()) -> list[Published]:
    published = form("power").published
    return [
        c
        for name, c in published.items()
        if name.startswith(PREFIX) and name.endswith(suffix) and not name.endswith(without)
    ]


def _domain(published: Published) -> str:
    name = published.name.removeprefix(PREFIX)
    return name.removesuffix("-n-of-c").removesuffix("-c")


def _stroke(published: Published) -> Literal["fit", "rival"]:
    """Return how a domain is drawn: the five resolutions of images are thin."""
    return "rival" if _domain(published).startswith("image-") else "fit"


def _loss(law: Law, days: Numbers, reducible: bool) -> Numbers:
    return np.asarray(law(days * PF_DAY)) - (law.values["E"] if reducible else 0.0)


def _figure(sets: list[Published], reducible: bool) -> Figure:
    days = np.geomspace(1e-7, 1e2, POINTS)
    what = "reducible loss" if reducible else "loss"
    return Figure(
        f"{what[0].upper()}{what[1:]} by compute, in every domain",
        Axis("C: compute, with the best size", "PF-days"),
        Axis(f"L: {what}" if not reducible else "L - E: reducible loss", "nats/token"),
        tuple(Line(_domain(c), days, _loss(c.law, days, reducible), _stroke(c)) for c in sets),
    )


def _best_sizes() -> Figure:
    days = np.geomspace(1e-7, 1e2, POINTS)
    return Figure(
        "The best size by compute, in every domain",
        Axis("C: compute", "PF-days"),
        Axis.of("N"),
        tuple(
            Line(_domain(c), days, np.asarray(c.law(days * PF_DAY)), _stroke(c))
            for c in _sets("-n-of-c")
        ),
    )
