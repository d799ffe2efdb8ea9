"""Hoffmann et al. 2022: the envelope of training curves, IsoFLOP profiles, and the fitted form."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Numbers
from isoflop.law import Published, constants
from isoflop.pages.field_figures import draws
from isoflop.plan.optimum import optimum
from isoflop.quantities import show
from isoflop.report import Axis, Contours, Figure, Layer, Line, Paragraph, Points, Report, Table

POINTS = 80
SIZES = (7e7, 2.5e8, 1e9, 3e9, 1e10)  # as of the paper's runs, 70M to 10B parameters
BUDGETS = (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21)  # the paper's nine, figure 3
GOPHER = 5.76e23  # FLOP: the budget of Gopher and of Chinchilla, section 3
SETS = ("chinchilla/hoffmann2022", "chinchilla/besiroglu2024")
PAPER = "Hoffmann et al. 2022, arXiv:2203.15556"


@draws("chinchilla")
def chinchilla() -> Report:
    """Chinchilla 2022: training-curve envelope, IsoFLOP profiles, contours, best size by budget."""
    law = constants(SETS[1])
    blocks = (
        Paragraph(
            "For a budget one size is best: smaller models saturate, larger ones see too few "
            "tokens. The best size and the best tokens grow alike, about as the root of compute."
        ),
        _envelope(law),
        _profiles(law),
        _contours(law),
        _best_size(),
        _projections(),
        Table(("set", "source"), tuple((name, constants(name).source) for name in SETS)),
    )
    data = {name: {k: float(v) for k, v in constants(name).law.values.items()} for name in SETS}
    return Report(f"Figures of {PAPER}", blocks, {"constants": data})


def _frontier(law: Published, C: Numbers) -> Numbers:
    split = optimum(law.law, C)
    return np.asarray(law.law(N=split.N, D=split.D))


def _envelope(law: Published) -> Figure:
    """Return the loss of each size along its tokens, and the least of any size (approach 1)."""
    layers: list[Layer] = []
    for N in SIZES:
        C = np.geomspace(6 * N * N, 6 * N * 2000 * N, POINTS)  # from 1 to 2,000 tokens a parameter
        layers.append(Line(f"{show(N)} parameters", C, np.asarray(law.law(N=N, D=C / (6 * N)))))
    C = np.geomspace(6 * SIZES[0] ** 2 * 10, 6 * SIZES[-1] ** 2 * 100, POINTS)
    layers.append(Line("least loss of any size", C, _frontier(law, C), "frontier"))
    return Figure(
        "Approach 1: the envelope of training curves",
        Axis.of("C"),
        Axis.of("L"),
        tuple(layers),
        f"By the form of approach 3 with the constants of {law.key}: every point is a run that "
        "ends there, its schedule as long as its tokens.",
    )


def _profiles(law: Published) -> Figure:
    layers: list[Layer] = []
    for C in BUDGETS:
        best = optimum(law.law, C)
        N = np.geomspace(best.N / 8, best.N * 8, POINTS)
        name = f"{show(C)} FLOP"
        layers.append(Line(name, N, np.asarray(law.law(N=N, D=C / (6 * N))), group=name))
    least = optimum(law.law, np.array(BUDGETS))
    losses = np.asarray(law.law(N=least.N, D=least.D))
    layers.append(Points("best size", least.N, losses, "best"))
    return Figure(
        "Approach 2: IsoFLOP profiles",
        Axis.of("N"),
        Axis.of("L"),
        tuple(layers),
        "The paper's nine budgets; the minimum of each is the best size for that budget.",
    )


def _contours(law: Published) -> Figure:
    N = np.geomspace(1e8, 1e12, 50)
    C = np.geomspace(1e18, 1e25, 50)
    z = np.asarray(law.law(N=N[:, None], D=C[None, :] / (6 * N[:, None])))
    line = optimum(law.law, C)
    return Figure(
        "Approach 3: lines of equal loss, and the efficient frontier",
        Axis.of("C"),
        Axis.of("N"),
        (
            Contours("loss", C, N, z, "nats/token"),
            Line("best size", C, np.asarray(line.N), "frontier"),
        ),
    )


def _best_size() -> Figure:
    """Return the best size by the printed constants, their refit, approach 1 and Kaplan."""
    C = np.geomspace(1e18, 1e26, POINTS)
    layers: list[Layer] = [
        Line(name.split("/")[1], C, np.asarray(optimum(constants(name).law, C).N)) for name in SETS
    ]
    layers.append(
        Line("approach 1, table 3", C, np.asarray(constants("power/hoffmann2022-n-of-c").law(C)))
    )
    kaplan = np.asarray(constants("power/kaplan2020-n-of-c").law(C))
    layers.append(Line("Kaplan 2020, non-embedding N", C, kaplan, "reference"))
    at = np.array([GOPHER])
    layers.append(Points("Chinchilla", at, np.array([70e9]), "truth", labels=("Chinchilla 70B",)))
    layers.append(Points("Gopher", at, np.array([280e9]), labels=("Gopher 280B",)))
    return Figure(
        "The best size for a budget",
        Axis.of("C"),
        Axis.of("N"),
        tuple(layers),
        "Figure 1 of the paper. The printed constants of approach 3 contradict approaches 1 and 2 "
        "at large budgets; Besiroglu et al. 2024 refitted them.",
    )


def _projections() -> Table:
    rows = []
    law = constants("power/hoffmann2022-n-of-c").law
    for C in (1.92e19, 1.21e20, 1.23e22, 5.76e23, 3.85e24, 9.90e24, 3.43e25, 1.27e26, 1.30e28):
        N = float(law(C))
        refit = optimum(constants(SETS[1]).law, C)
        rows.append((C, N, C / (6 * N), float(refit.N), float(refit.D)))
    return Table(
        ("C [FLOP]", "N, approach 1", "D, approach 1", "N, besiroglu2024", "D, besiroglu2024"),
        tuple(rows),
        "Table 3 of the paper: best size and tokens of its budgets, and what the refit says.",
    )
