"""The figures of fits, forecasts and plans."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.pages.provenance import counted
from isoflop.quantities import show
from isoflop.report import Axis, Band, ErrorBar, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.forecasting import Forecast


MOST_GROUPS = 8  # colours that a reader tells apart
AHEAD = 10.0  # how far lines are drawn beyond the runs
STEPS = 60  # points of a line
SAME_BUDGET = 1.1  # runs of one budget scatter by a step or so
CLOUD = 2000  # runs beyond which points are not told apart
CROWD = 4  # sizes that make a budget worth a curve

_COMPUTE = Axis("C = 6ND: training compute", "FLOP")


def pictures(fit: Fit[Any]) -> tuple[Figure, ...]:
    """Return the figures that suit the quantities that a fitted law takes."""
    if set(fit.binding.takes) == {"N", "D"}:
        N = fit.runs["N"]
        residuals = _residuals(fit, 6 * N * fit.runs["D"], _COMPUTE, list(by_size(N)))
        return (of_runs(fit), residuals, *_isoflop(fit))
    takes = fit.binding.takes[0]
    everything = [("runs", np.ones(len(fit.runs), dtype=bool))]
    return of_runs(fit), _residuals(fit, fit.runs[takes], Axis.of(takes), everything)


def of_runs(fit: Fit[Any]) -> Figure:
    """Return a fitted law through its runs, or what it predicts against what was observed."""
    if set(fit.binding.takes) == {"N", "D"}:
        return _of_size_and_data(fit)
    return _of_one_input(fit) if len(fit.binding.takes) == 1 else _of_many_inputs(fit)


def forecasted(fit: Fit[Any], forecast: Forecast) -> tuple[Figure, ...]:
    """Return a forecast among the runs behind its fit; none for a law of other inputs."""
    takes = fit.binding.takes
    if set(takes) != {"N", "D"} and len(takes) != 1:
        return ()
    at = 6 * forecast.at["N"] * forecast.at["D"] if len(takes) > 1 else forecast.at[takes[0]]
    figure = of_runs(fit)
    if forecast.low is None or forecast.high is None:
        point = np.array([[at], [forecast.value]])
        layer: Layer = Points("forecast", point[0], point[1], "best", group="forecast")
    else:
        layer = ErrorBar(
            "forecast", at, forecast.value, forecast.low, forecast.high, group="forecast"
        )
    return (replace(figure, layers=(*figure.layers, layer)),)


def output_axis(fit: Fit[Any], log: bool = True) -> Axis:
    """Return the axis of what a fit predicts, in the unit of its runs."""
    symbol = fit.binding.predicts
    return Axis.of(symbol, counted(fit, symbol), log=log)


def percent(fit: Fit[Any]) -> Numbers:
    """Return prediction against observation (n,): per cent, or units where the fit is linear."""
    return 100 * np.expm1(fit.residuals) if fit.kind == "log" else fit.residuals


def _of_size_and_data(fit: Fit[Any]) -> Figure:
    from isoflop.errors import NoOptimum
    from isoflop.plan import optimum

    N, D, L = fit.runs["N"], fit.runs["D"], fit.runs[fit.binding.predicts]
    C = 6 * N * D
    points: list[Layer] = []
    lines: list[Layer] = []
    for name, mask in by_size(N):
        points.append(Points(name, C[mask], L[mask], **_marks(fit, mask), group=name))
        size = float(np.exp(np.log(N[mask]).mean()))
        grid = np.geomspace(C[mask].min(), max(AHEAD * C[mask].max(), C.max()), STEPS)
        curve = fit.predict(N=size, D=grid / 6 / size)
        lines.append(Line(name, grid, curve, "rival", group=name))
    budgets = np.geomspace(C.min(), AHEAD * C.max(), STEPS)
    with contextlib.suppress(NoOptimum):  # a law that does not fall in both has no frontier
        best = optimum(fit.law, budgets)
        lines += _frontier(fit, budgets, best.N, best.D)
    caption = "Lines follow the law at one size; the frontier is the best size at each budget."
    return Figure(
        f"{fit.law.key} through its runs",
        _COMPUTE,
        output_axis(fit),
        (*lines, *points),
        caption,
        float(C.max()),
    )


def _frontier(fit: Fit[Any], C: Numbers, N: Numbers, D: Numbers) -> list[Layer]:
    from isoflop.forecasting import predictive

    line = Line("compute-optimal frontier", C, fit.predict(N=N, D=D), "frontier", group="frontier")
    draws = predictive(fit, N=N, D=D)
    return [line] if draws is None else [_band(fit.level, C, draws, "frontier"), line]


def _band(level: float, x: Numbers, draws_sk: Numbers, group: str) -> Band:
    tail = (1 - level) / 2
    low, high = np.nanquantile(draws_sk, [tail, 1 - tail], axis=0)
    return Band(f"{level:.0%} of the draws", x, low, high, group=group)


def _of_one_input(fit: Fit[Any]) -> Figure:
    from isoflop.forecasting import predictive

    symbol = fit.binding.takes[0]
    x, y = fit.runs[symbol], fit.runs[fit.binding.predicts]
    grid = np.geomspace(x.min(), AHEAD * x.max(), STEPS)
    layers: list[Layer] = [Line(fit.law.key, grid, fit.predict(**{symbol: grid}), group="law")]
    draws = predictive(fit, None, **{symbol: grid})
    if draws is not None:
        layers.insert(0, _band(fit.level, grid, draws, "law"))
    layers.append(Points("runs", x, y, **_marks(fit, np.ones(len(fit.runs), bool)), group="runs"))
    log = bool((y > 0).all())
    return Figure(
        f"{fit.law.key} through its runs",
        Axis.of(symbol),
        output_axis(fit, log),
        tuple(layers),
        extrapolates_from=float(x.max()),
    )


def _of_many_inputs(fit: Fit[Any]) -> Figure:
    predicted = fit.predict(**{s: fit.runs[s] for s in fit.binding.takes})
    observed = fit.runs[fit.binding.predicts]
    ends = np.array([min(predicted.min(), observed.min()), max(predicted.max(), observed.max())])
    everything = np.ones(len(fit.runs), dtype=bool)
    axis = output_axis(fit, log=bool((ends > 0).all()))
    return Figure(
        "Prediction against observation",
        axis,
        axis,
        (
            Line("equal", ends, ends, "reference"),
            Points("runs", observed, predicted, **_marks(fit, everything), group="runs"),
        ),
    )


def _residuals(
    fit: Fit[Any], x: Numbers, axis: Axis, groups: list[tuple[str, npt.NDArray[np.bool_]]]
) -> Figure:
    ends = np.array([x.min(), x.max()])
    errors = percent(fit)
    unit = "%" if fit.kind == "log" else output_axis(fit).unit
    points = [
        Points(name, x[mask], errors[mask], **_marks(fit, mask), group=name)
        for name, mask in groups
    ]
    return Figure(
        "What the law leaves over",
        axis,
        Axis("prediction minus observation", unit, log=False),
        (Line("no error", ends, np.zeros(2), "reference"), *points),
        "A law of the right form leaves no pattern here.",
    )


def _isoflop(fit: Fit[Any]) -> tuple[Figure, ...]:
    """Return loss against size at each budget, if the runs were made along budgets."""
    N, D, L = fit.runs["N"], fit.runs["D"], fit.runs[fit.binding.predicts]
    stated = "C" in fit.runs and np.isfinite(fit.runs["C"]).all()
    C = fit.runs["C"] if stated else 6 * N * D
    budgets = [m for m in _by_budget(C) if len(np.unique(N[m])) >= CROWD]
    share = sum(int(m.sum()) for m in budgets) / N.size
    if not 2 <= len(budgets) <= 2 * MOST_GROUPS or share < 0.5:
        return ()
    layers: list[Layer] = []
    for mask in budgets:
        budget = float(np.exp(np.log(C[mask]).mean()))
        name = f"{show(budget)} FLOP"
        sizes = np.geomspace(N[mask].min() / 1.5, N[mask].max() * 1.5, STEPS)
        tokens = budget / sizes / _price(sizes, N[mask], C[mask] / N[mask] / D[mask])
        layers += [
            Line(name, sizes, fit.predict(N=sizes, D=tokens), group=name),
            Points(name, N[mask], L[mask], **_marks(fit, mask), group=name),
        ]
    axis = Axis.of("N", counted(fit, "N"))
    return (Figure("IsoFLOP curves", axis, output_axis(fit), tuple(layers)),)


def _price(sizes: Numbers, N: Numbers, each: Numbers) -> Numbers:
    """Return the FLOP per parameter and token (k,) at `sizes`, as runs (n,) of other sizes paid.

    It is 6 by the convention 6ND; other conventions count attention and embeddings, too.
    """
    order = np.argsort(N)
    return np.interp(np.log(sizes), np.log(N[order]), each[order])


def _by_budget(C: Numbers) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield a mask (n,) of the runs of each budget, smallest first."""
    levels = np.unique(C)
    cuts = np.flatnonzero(np.diff(np.log(levels)) > np.log(SAME_BUDGET))
    for first, last in zip([0, *(cuts + 1)], [*cuts, levels.size - 1], strict=True):
        yield (levels[first] <= C) & (levels[last] >= C)


def by_size(N: Numbers) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield a name and a mask (n,) of the runs of each size, or of each stretch of sizes N (n,)."""
    sizes = np.unique(N)
    if sizes.size <= MOST_GROUPS:
        yield from ((f"N = {show(float(size))}", size == N) for size in sizes)
        return
    edges = np.geomspace(sizes[0], sizes[-1] * (1 + 1e-9), MOST_GROUPS + 1)
    for low, high in itertools.pairwise(edges):
        mask = (low <= N) & (high > N)
        if mask.any():
            yield f"N = {show(float(N[mask].min()))} to {show(float(N[mask].max()))}", mask


def _marks(fit: Fit[Any], mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return what tells a run among the points of a figure: its words and its row."""
    return {"hover": _hover(fit, mask), "rows": tuple(fit.runs.rows[mask].tolist())}


def _hover(fit: Fit[Any], mask: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Return what a reader sees of each run: its name or row, and its inputs.

    Nothing where there are so many runs that none can be pointed at.
    """
    if mask.sum() > CLOUD:
        return ()
    runs = fit.runs.select(mask)
    names = runs.labels.get("run", np.array([f"row {row}" for row in runs.rows]))
    inputs = [runs[s] for s in fit.binding.takes]
    return tuple(
        f"{name}: "
        + ", ".join(
            f"{s} = {show(float(v))}" for s, v in zip(fit.binding.takes, values, strict=True)
        )
        for name, *values in zip(names, *inputs, strict=True)
    )
