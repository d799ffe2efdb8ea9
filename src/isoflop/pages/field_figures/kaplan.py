"""Kaplan et al. 2020: loss by size, data and compute; where compute goes; loss along training."""

from __future__ import annotations

import numpy as np

from isoflop.law import Published
from isoflop.laws import constants
from isoflop.laws.power import PF_DAY
from isoflop.pages.field_figures import draws
from isoflop.plan.training.learning_curve import off_size
from isoflop.report import Axis, Figure, Line, Paragraph, Report, Table

POINTS = 80
PAPER = "Kaplan et al. 2020, arXiv:2001.08361"


@draws("kaplan")
def kaplan() -> Report:
    """Kaplan 2020: loss by N, D and C; best N, batch and steps; loss along training."""
    blocks = (
        Paragraph(
            "Loss falls as a power of each of compute, data and size, where neither of the other "
            "two is short. Of ten times the compute, a 5.4 times larger model is best; steps "
            "hardly grow."
        ),
        _by_compute(),
        _by("D", "power/kaplan2020-d", (2e7, 2.2e10), "tokens"),
        _by("N", "power/kaplan2020-n", (768, 1.5e9), "size without embeddings"),
        _allocation(),
        _learning_curves(),
        _other_sizes(),
        Table(("set", "source"), tuple((c.key, c.source) for c in _sets())),
    )
    data = {c.key: {k: float(v) for k, v in c.law.values.items()} for c in _sets()}
    return Report(f"Figures of {PAPER}", blocks, {"constants": data})


def _sets() -> tuple[Published, ...]:
    names = ("cmin", "d", "n", "n-of-c", "batch-of-c", "steps-of-c")
    return (
        *(constants(f"power/kaplan2020-{name}") for name in names),
        constants("learning-curve/kaplan2020"),
    )


def _by_compute() -> Figure:
    days = np.geomspace(1e-8, 1e2, POINTS)
    loss = constants("power/kaplan2020-cmin").law(days * PF_DAY)
    return Figure(
        "Loss by the least compute that reaches it",
        Axis("C_min: compute at a batch far below critical", "PF-days"),
        Axis.of("L"),
        (Line("(C_min / 3.1e8)^-0.050", days, np.asarray(loss)),),
        "Figure 1 of the paper, left, with C_min of figure 13 in place of C.",
    )


def _by(symbol: str, name: str, reach: tuple[float, float], title: str) -> Figure:
    x = np.geomspace(*reach, POINTS)
    published = constants(name)
    law = published.law
    scale = law.values["A"] ** (1 / law.values["alpha"])
    label = f"({symbol} / {scale:.2g})^-{law.values['alpha']:g}"
    return Figure(
        f"Loss by {title}",
        Axis.of(symbol),
        Axis.of("L"),
        (Line(label, x, np.asarray(law(x))),),
        "Figure 1 of the paper.",
    )


def _allocation() -> Figure:
    """Return by how much size, batch and steps grow with compute, as in figure 3."""
    days = np.geomspace(1e-7, 1e2, POINTS)
    lines = []
    for name, what in (("n", "size N"), ("batch", "batch"), ("steps", "steps")):
        law = constants(f"power/kaplan2020-{name}-of-c").law
        growth = np.asarray(law(days * PF_DAY)) / float(law(days[0] * PF_DAY))
        lines.append(Line(f"{what}: C^{-law.values['alpha']:.2f}", days, growth))
    return Figure(
        "What more compute is best spent on",
        Axis("C_min: compute at a batch far below critical", "PF-days"),
        Axis("times its value at 1e-7 PF-days", "1"),
        tuple(lines),
        "As figure 3 of the paper shows it.",
    )


def _learning_curves() -> Figure:
    law = constants("learning-curve/kaplan2020").law
    steps = np.geomspace(1e3, 1e6, POINTS)
    lines = tuple(
        Line(f"N = {label}", steps, np.asarray(law(N=N, steps=steps)), group=label)
        for N, label in ((1e5, "100k"), (1e6, "1M"), (1e7, "10M"), (1e8, "100M"), (1e9, "1B"))
    )
    return Figure(
        "Loss along training, by size",
        Axis("S_min: steps at a batch far above critical", "steps"),
        Axis.of("L"),
        lines,
        "Figure 4 of the paper, right: L(N, S) = (N_c / N)^0.077 + (S_c / S)^0.76, table 3, after "
        "warm-up.",
    )


def _other_sizes() -> Figure:
    """Return what a model of another size costs at equal loss, as in figure 12."""
    ratio = np.geomspace(0.25, 12, POINTS)
    off = off_size(constants("learning-curve/kaplan2020").law, ratio)  # type: ignore[arg-type]
    return Figure(
        "What a model of another size takes for the same loss",
        Axis("size, times the compute-efficient one", "1"),
        Axis("times that of the compute-efficient run", "1"),
        (
            Line("compute", ratio, np.where(np.isfinite(off.C), off.C, np.nan)),
            Line("steps", ratio, np.where(np.isfinite(off.steps), off.steps, np.nan)),
        ),
        "Figure 12 of the paper: models of 0.6 to 2.2 times the size take up to a fifth more "
        "compute; those of 2.2 times take 45 % fewer steps.",
    )
