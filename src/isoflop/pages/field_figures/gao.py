"""Gao et al. 2022: gold and proxy reward against KL, and the coefficients by size of proxy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.assess.reward.evidence import of_curves
from isoflop.assess.reward.overoptimisation import Overoptimisation, overoptimisation
from isoflop.pages.field_figures import draws
from isoflop.report import Axis, Cell, Figure, Layer, Line, Paragraph, Points, Report, Table
from isoflop.samples.best_of_n_curves import BestOfNCurves, best_of_n_curves
from isoflop.samples.recalibrate import proxy_scale
from isoflop.samples.simulated_scores import PROXIES, sample_scores

FORM = "bon-reward"
POINTS = 60
PAPER = "Gao, Schulman and Hilton 2022, arXiv:2210.10760"
_GAIN = Axis("R: gain over the initial policy", "reward", log=False)


@draws("gao")
def gao() -> Report:
    """Gao 2022: gold and proxy reward of best-of-n against KL; alpha and beta by proxy size."""
    table = sample_scores()
    curves = {name: best_of_n_curves(table, name) for name in PROXIES}
    fits = {
        name: overoptimisation(of_curves(c, draws=200, size=PROXIES[name][1]), form=FORM)
        for name, c in curves.items()
    }
    factors = {name: proxy_scale(table, name).factor for name in PROXIES}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, PROXIES[name][1], *(float(f.law.values[k]) for k in ("alpha_R", "beta_R")))
        for name, f in fits.items()
    )
    blocks = (
        Paragraph(
            "The more a proxy is optimised, the further what it says of itself (thin) and the true "
            "reward (points) part; the true one rises and falls as d (alpha - beta d). A larger "
            "proxy may be optimised further. The paper prints no coefficients: these are of "
            "sample:simulated-scores, 48 prompts of 512 samples with three proxies."
        ),
        _against_kl(curves, fits, factors),
        _by_size(fits),
        Table(("proxy", "params", "alpha", "beta"), rows),
    )
    data = {name: {"params": N, "alpha": a, "beta": b} for name, N, a, b in rows}
    return Report(f"Figures of {PAPER}, on a simulated bank", blocks, {"proxies": data})


def _against_kl(
    curves: Mapping[str, BestOfNCurves],
    fits: Mapping[str, Overoptimisation],
    factors: Mapping[str, float],
) -> Figure:
    layers: list[Layer] = []
    for name, curve in curves.items():
        grid = np.linspace(0.02, float(curve.d.max()), POINTS)
        layers.append(Points(f"gold by {name}", curve.d, curve.gold, group=name))
        layers.append(
            Line(f"d (alpha - beta d) of {name}", grid, fits[name].law(d=grid), group=name)
        )
        gold = factors[name] * curve.score
        layers.append(Line(f"{name}, of itself", curve.d, gold, "rival", group=name))
    return Figure(
        "Gold and proxy reward of best-of-n",
        Axis.of("d", log=False),
        _GAIN,
        tuple(layers),
        "As figure 1 of the paper shows it.",
    )


def _by_size(fits: Mapping[str, Overoptimisation]) -> Figure:
    N = np.array([PROXIES[name][1] for name in fits])
    layers: list[Layer] = []
    for symbol in ("alpha_R", "beta_R"):
        y = np.array([float(f.law.values[symbol]) for f in fits.values()])
        layers.append(Line(symbol.removesuffix("_R"), N, y, group=symbol))
        layers.append(Points(f"{symbol.removesuffix('_R')} of a proxy", N, y, group=symbol))
    return Figure(
        "The coefficients by size of the proxy",
        Axis("N: parameters of the proxy", "params"),
        Axis("coefficient", "1", log=False),
        tuple(layers),
        "As figure 3 of the paper shows it.",
    )
