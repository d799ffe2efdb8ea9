"""The figures of the demo: the forecast with what came, and the law over N and D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.pages.fit_figures import AHEAD, by_size, output_axis
from isoflop.quantities import show
from isoflop.report import Axis, Band, Contours, ErrorBar, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.experiments.pretrain.sweep import PointSize
    from isoflop.fitting import Fit
    from isoflop.runs import Runs

STEPS = 60


def forecast_picture(
    runs: Runs,
    fits: Mapping[str, Fit[Any]],
    forecasts: Sequence[Any],
    target: PointSize,
    truth: float,
) -> Figure:
    """Return the runs, every form's curve at the held-out size, the chosen band, and the truth."""
    from isoflop.forecasting import predictive

    N, D, C = target.N, target.D, target.C
    chosen = fits[forecasts[0].form]
    tokens = np.geomspace(D * runs["C"].min() / C, D * 1.5, STEPS)
    compute = C / D * tokens  # of a model of this size
    sizes = np.full(STEPS, N)
    draws = predictive(chosen, forecasts[0].growth, N=sizes, D=tokens)
    layers: list[Layer] = []
    if draws is not None:
        tail = (1 - chosen.level) / 2
        low, high = np.nanquantile(draws, [tail, 1 - tail], axis=0)
        layers.append(Band(f"{chosen.level:.0%} interval", compute, low, high, group="chosen"))
    for s in forecasts[1:]:
        layers.append(
            Line(s.form, compute, fits[s.form].predict(N=sizes, D=tokens), "rival", s.form)
        )
    curve = chosen.predict(N=sizes, D=tokens)
    layers.append(Line(f"{forecasts[0].form}: N = {show(N)}", compute, curve, group="chosen"))
    for name, mask in by_size(runs["N"]):
        layers.append(Points(name, runs["C"][mask], runs["L"][mask], group=name))
    layers.append(
        ErrorBar(
            "forecast", C, forecasts[0].value, forecasts[0].low, forecasts[0].high, group="chosen"
        )
    )
    layers.append(Points("what came", np.array([C]), np.array([truth]), "truth"))
    axis = Axis.of("C", f"FLOP, {runs.conventions.get('C', 'convention not stated')}")
    return Figure(
        "The forecast, and what came",
        axis,
        output_axis(chosen),
        tuple(layers),
        f"Curves are of the held-out size, N = {show(N)}; thin ones are the forms not chosen.",
        float(runs["C"].max()),
    )


def contours(fit: Fit[Any], target: PointSize) -> Figure:
    """Return loss over N and D by the law, the runs, the frontier and the held-out run."""
    from isoflop.plan import optimum

    N, D = fit.runs["N"], fit.runs["D"]
    n = np.geomspace(N.min() / 2, max(AHEAD / 3 * N.max(), 2 * target.N), STEPS)
    d = np.geomspace(D.min() / 2, max(AHEAD / 3 * D.max(), 2 * target.D), STEPS)
    z = fit.predict(N=n[None, :], D=d[:, None])
    C = np.geomspace(6 * N.min() * D.min(), 6 * n[-1] * d[-1], STEPS)
    best = optimum(fit.law, C)
    within = (n[0] <= best.N) & (n[-1] >= best.N) & (d[0] <= best.D) & (d[-1] >= best.D)
    layers = (
        Contours("loss by the law", n, d, z, output_axis(fit).unit),
        Line("compute-optimal frontier", best.N[within], best.D[within], "frontier"),
        Points("runs of the sweep", N, D),
        Points("held-out run", np.array([target.N]), np.array([target.D]), "truth"),
    )
    caption = "The law beyond the runs is extrapolation; the frontier is the best N and D at 6ND."
    unit = fit.conventions.get("N")
    return Figure(
        "Loss over size and data",
        Axis.of("N", f"params, {unit}" if unit else None),
        Axis.of("D"),
        layers,
        caption,
    )
