"""The figures of plans: loss along a budget, cost at equal loss, smaller models, the data wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.pages.provenance import counted, unit_of
from isoflop.quantities import show
from isoflop.report import Axis, Band, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.plan import Estimate, Plan
    from isoflop.plan.problem import PlanningProblem
    from isoflop.plan.shrink import Shrunk
    from isoflop.plan.wall import Wall


STEPS = 80  # points of a line
TALLEST = 2.0  # times the compute, added, that is still drawn
WIDE = 20.0  # how far around the plan sizes are drawn


def along_budget(plan: Plan) -> Figure:
    """Return the loss of other sizes for the budget of a plan, the plan, and the interval of N."""
    problem = plan.problem
    model = problem.model
    N = np.geomspace(plan.N.value / WIDE, plan.N.value * WIDE, STEPS)
    D = np.asarray(plan.priced.tokens_for(plan.cost.value, N))
    affordable = D > 0
    N, D = N[affordable], D[affordable]
    layers: list[Layer] = [
        Line("loss for this budget", N, problem.law(N=N, D=D, **problem.all_inputs), group="law")
    ]
    if problem.draws is not None:
        layers.insert(0, _band(plan.level, N, problem.draws(N=N, D=D, **problem.all_inputs)))
    layers += _marked(plan, plan.N, plan.L.value)
    unit = plan.priced.unit
    return Figure(
        f"Loss for {show(plan.cost.value)} {unit}",
        Axis.of("N", counted(model, "N")),
        Axis.of("L", unit_of(model, "L")),
        tuple(layers),
    )


def at_equal_loss(plan: Plan, points: tuple[Points, ...]) -> Figure:
    """Return what other sizes cost to reach the loss of a plan, the plan, and points beside it."""
    problem = plan.problem
    model = problem.model
    N = np.geomspace(plan.N.value / WIDE, plan.N.value * WIDE, 4 * STEPS)
    cost = _at_loss(problem, plan, problem.law, N)[0]
    visible = np.isfinite(cost) & (cost < 10 * plan.cost.value)
    layers: list[Layer] = [
        Line(f"cost of L = {plan.L.value:.4g}", N[visible], cost[visible], group="law")
    ]
    if problem.draws is not None:
        layers.insert(
            0, _band(plan.level, N[visible], _at_loss(problem, plan, problem.draws, N[visible]))
        )
    layers += [*_marked(plan, plan.N, plan.cost.value), *points]
    return Figure(
        "What other sizes cost at equal loss",
        Axis.of("N", counted(model, "N")),
        Axis("cost over the life of the model", plan.priced.unit),
        tuple(layers),
    )


def smaller(shrunk: Shrunk) -> Figure:
    """Return the compute that sizes add to the best run of the same loss, from rows of many k."""
    visible = [row for row in shrunk.rows if row.overhead.value < TALLEST]
    k, rows = np.array([row.factor for row in visible]), [row.overhead for row in visible]
    value = np.array([100 * row.value for row in rows])
    layers: list[Layer] = [Line("compute added", k, value, group="law")]
    if rows[0].low is not None:
        low, high = (
            np.array([100 * float(getattr(row, end)) for row in rows]) for end in ("low", "high")
        )
        high = np.minimum(high, 100 * TALLEST)
        layers.insert(0, Band(f"{shrunk.level:.0%} of the draws", k, low, high, group="law"))
    layers.append(Points("the best size", np.array([1.0]), np.array([0.0]), "best", group="plan"))
    least = shrunk.least.value
    wall = np.array([least, least]), np.array([0.0, float(value.max())])
    layers.append(Line("no data makes up for less", *wall, "reference"))
    return Figure(
        f"Smaller than the best for {show(shrunk.C)} FLOP, at its loss",
        Axis("N over the best N", "1"),
        Axis("training compute added", "%", log=False),
        tuple(layers),
    )


def data_wall(wall: Wall) -> Figure:
    """Return the tokens that the largest runs ask for and the stock, by quantiles over years."""
    late = wall.years[-1] if np.isfinite(wall.years[-1]) else wall.at[-1]
    visible = wall.at <= min(late + 2, wall.at[-1])
    at = wall.at[visible]
    flat = np.ones(at.size)
    layers = (
        Band("stock, 90%", at, wall.stock[0] * flat, wall.stock[-1] * flat, group="stock"),
        Line("stock, median", at, wall.stock[2] * flat, "reference", group="stock"),
        Band("demand, 90%", at, wall.demand[0][visible], wall.demand[-1][visible], group="demand"),
        Line("demand, median", at, wall.demand[2][visible], group="demand"),
    )
    return Figure(
        "Text in stock, and what the largest runs ask for",
        Axis("year", "", log=False),
        Axis.of("D"),
        layers,
        "Where the bands cross is a span of years, not a date.",
    )


def used_up(wall: Wall) -> Figure:
    """Return the chance that the stock is used up by a year."""
    open_ = wall.used_up < 0.9999
    last = min(int(np.count_nonzero(open_)) + 2, wall.at.size)
    return Figure(
        "Chance that the stock is used up",
        Axis("year", "", log=False),
        Axis("share of the draws", "%", log=False),
        (Line("used up by then", wall.at[:last], 100 * wall.used_up[:last]),),
    )


def _at_loss(problem: PlanningProblem, plan: Plan, law: Any, N: Numbers) -> Numbers:
    """Return the cost (s, k) of sizes N (k,) at the loss of a plan; NaN where out of reach."""
    from isoflop.plan.optimum import needed

    D = needed(law, plan.L.value, "D", "N", N, problem.all_inputs)
    return np.atleast_2d(np.asarray(plan.priced(N, D)))


def _marked(plan: Plan, N: Estimate, height: float) -> list[Layer]:
    marks: list[Layer] = []
    if N.low is not None and N.high is not None:
        span = np.array([N.low, N.high]), np.array([height, height])
        marks.append(Line(f"{plan.level:.0%} of the draws of N", *span, "reference", group="plan"))
    point = np.array([N.value]), np.array([height])
    marks.append(Points("the plan", *point, "best", group="plan"))
    return marks


def _band(level: float, x: Numbers, draws_sk: Numbers) -> Band:
    tail = (1 - level) / 2
    enough = np.isfinite(draws_sk).mean(axis=0) > 0.5
    low, high = np.full(x.size, np.nan), np.full(x.size, np.nan)
    if enough.any():
        ends = np.nanquantile(draws_sk[:, enough], [tail, 1 - tail], axis=0)
        low[enough], high[enough] = ends
    return Band(f"{level:.0%} of the draws of the law", x, low, high, group="law")
