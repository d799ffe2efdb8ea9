"""The figures of a task: its loss against compute, its score against loss and against compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Numbers
from isoflop.quantities import show
from isoflop.report import Axis, Band, ErrorBar, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.downstream import TaskForecast, TwoStepFit
    from isoflop.runs import Runs


STEPS = 60
AHEAD = 10.0  # how far lines are drawn beyond the runs, where no target asks for more
_SCORE = Axis("score: share of task items answered rightly", "1", log=False)


def of_task(answer: TaskForecast, whole: bool) -> tuple[Figure, ...]:
    """Return the score against compute; if `whole`, both steps before it. Data alone at chance."""
    if answer.chain is None:
        return (_by_compute(answer, None),)
    last = _by_compute(answer, answer.chain)
    return (_loss(answer, answer.chain), _step(answer, answer.chain), last) if whole else (last,)


def _compute(runs: Runs) -> Numbers:
    return runs["C"] if "C" in runs else np.asarray(6 * runs["N"] * runs["D"])


def _path(answer: TaskForecast, chain: TwoStepFit) -> tuple[Numbers, dict[str, Numbers], str]:
    """Return compute (k,), the inputs along it, and in words the path that they follow.

    Of size and data it keeps the tokens per parameter of the target, else the middle of the runs.
    """
    C, forecast = _compute(chain.loss.runs), answer.forecast
    at = dict(forecast.at) if forecast else {}
    target = at.get("C", 6 * at["N"] * at["D"] if {"N", "D"} <= set(at) else AHEAD * C.max())
    grid = np.geomspace(C.min(), max(1.5 * target, C.max()), STEPS)
    takes = chain.loss.binding.takes
    if takes == ("C",):
        return grid, {"C": grid}, "at each compute"
    runs = chain.loss.runs
    ratio = at["D"] / at["N"] if at else float(np.median(runs["D"] / runs["N"]))
    N = np.sqrt(grid / 6 / ratio)
    return grid, {"N": N, "D": ratio * N}, f"with {show(ratio)} tokens per parameter"


def _axis(runs: Runs) -> Axis:
    return Axis("C: training compute", f"FLOP, {runs.conventions.get('C', '6ND')}")


def _drawable(chain: TwoStepFit) -> bool:
    return set(chain.loss.binding.takes) in ({"C"}, {"N", "D"})


def _ends(chain: TwoStepFit, draws_sk: Numbers) -> tuple[Numbers, Numbers]:
    tail = (1 - chain.level) / 2
    low, high = np.nanquantile(draws_sk, [tail, 1 - tail], axis=0)
    return low, high


def _loss(answer: TaskForecast, chain: TwoStepFit) -> Figure:
    """Return the first step: the loss on the task against compute."""
    from isoflop.forecasting import predictive

    runs = chain.loss.runs
    layers: list[Layer] = [Points("runs", _compute(runs), runs["L"], hover=_names(runs))]
    if _drawable(chain):
        grid, inputs, path = _path(answer, chain)
        line = Line(f"{chain.loss.law.key}, {path}", grid, chain.loss.predict(**inputs), group="f")
        draws = predictive(chain.loss, chain.growth, **inputs)
        band = (
            []
            if draws is None
            else [Band(f"{chain.level:.0%} interval", grid, *_ends(chain, draws), group="f")]
        )
        layers = [*band, line, *layers]
    unit = runs.conventions.get("L")
    return Figure(
        f"Step 1: the loss for {answer.name}, from scale",
        _axis(runs),
        Axis(f"L: the loss that {answer.name} follows", unit or "nats/token"),
        tuple(layers),
        extrapolates_from=float(_compute(runs).max()),
    )


def _step(answer: TaskForecast, chain: TwoStepFit) -> Figure:
    """Return the second step: the score against the loss on the task."""
    runs = chain.score.runs
    L, forecast = runs["L"], answer.forecast
    target = float(chain.loss.predict(**forecast.at)) if forecast else L.min()
    grid = np.linspace(0.9 * min(target, L.min()), L.max(), STEPS)
    layers: list[Layer] = []
    draws = None
    if chain.score.draws is not None:
        rows = chain.score.draws.members or 1
        draws = chain.draws_at(np.broadcast_to(grid, (rows, grid.size)))
    if draws is not None:
        name = f"{chain.level:.0%} interval"
        layers.append(Band(name, grid, *_ends(chain, draws), group="f"))
    layers.append(Line(chain.score.law.key, grid, chain.score_at(grid), group="f"))
    layers += _chance(answer, grid)
    layers.append(Points("runs", L, runs["score"], hover=_names(runs)))
    if forecast:
        layers.append(_target(answer, target))
    unit = runs.conventions.get("L", "nats/token")
    return Figure(
        f"Step 2: the score on {answer.name}, from that loss",
        Axis(f"L: the loss that {answer.name} follows", unit, log=False),
        _SCORE,
        tuple(layers),
        f"Left of the best run, at {show(float(L.min()))}, the step is extrapolated.",
    )


def _by_compute(answer: TaskForecast, chain: TwoStepFit | None) -> Figure:
    """Return the score against compute, as the chain has it."""
    finite = np.isfinite(answer.runs["score"]) & np.isfinite(answer.runs["L"])
    runs = answer.runs[finite]
    C = _compute(runs)
    layers: list[Layer] = []
    caption = "No forecast: the runs do not rise above chance." if chain is None else ""
    ends = np.array([C.min(), C.max()])
    if chain is not None and _drawable(chain):
        grid, inputs, path = _path(answer, chain)
        draws = chain.draws(**inputs)
        if draws is not None:
            name = f"{chain.level:.0%} interval"
            layers.append(Band(name, grid, *_ends(chain, draws), group="f"))
        layers.append(Line(f"two steps, {path}", grid, chain.predict(**inputs), group="f"))
        ends = grid
    layers += [*_chance(answer, ends), Points("runs", C, runs["score"], hover=_names(runs))]
    forecast = answer.forecast
    if forecast:
        C_target = forecast.at.get(
            "C", 6 * forecast.at.get("N", np.nan) * forecast.at.get("D", np.nan)
        )
        layers += [_target(answer, C_target)] if np.isfinite(C_target) else []
    return Figure(
        f"Score on {answer.name} against compute",
        _axis(runs),
        _SCORE,
        tuple(layers),
        caption,
        extrapolates_from=float(C.max()),
    )


def _target(answer: TaskForecast, x: float) -> Layer:
    forecast = answer.forecast
    assert forecast is not None
    if forecast.low is None or forecast.high is None:
        return Points(
            "forecast", np.array([x]), np.array([forecast.value]), "best", group="forecast"
        )
    return ErrorBar(
        "forecast", float(x), forecast.value, forecast.low, forecast.high, group="forecast"
    )


def _chance(answer: TaskForecast, grid: Numbers) -> list[Layer]:
    if answer.chance is None:
        return []
    return [Line("chance", grid, np.full(grid.size, answer.chance), "reference")]


def _names(runs: Runs) -> tuple[str, ...]:
    names = runs.labels.get("run", np.array([f"row {row}" for row in runs.rows]))
    return tuple(str(name) for name in names)
