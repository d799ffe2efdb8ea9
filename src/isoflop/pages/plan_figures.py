"""The figures of plans: loss along a budget, cost at equal loss, smaller models, the data wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.pages.provenance import counted, unit_of
from isoflop.quantities import show
from isoflop.report import Axis, Band, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan import Estimate, Plan
    from isoflop.plan.problem import PlanningProblem
    from isoflop.plan.shrink import Shrunk
    from isoflop.plan.wall import Wall


STEPS = 80  # points of a line
TALLEST = 2.0  # times the compute, added, that is still drawn
WIDE = 20.0  # how far around the plan sizes are drawn


def along_budget(found: Fit[Any] | Published, made: Plan) -> Figure:
    """Return the loss of other sizes for the budget of a plan, the plan, and the interval of N."""
    asked = _again(found, made)
    N = np.geomspace(made.N.value / WIDE, made.N.value * WIDE, STEPS)
    D = np.asarray(made.priced.tokens_for(made.cost.value, N))
    kept = D > 0
    N, D = N[kept], D[kept]
    layers: list[Layer] = [
        Line("loss for this budget", N, asked.law(N=N, D=D, **asked.given), group="law")
    ]
    if asked.draws is not None:
        layers.insert(0, _band(made.level, N, asked.draws(N=N, D=D, **asked.given)))
    layers += _marked(made, made.N, made.L.value)
    unit = made.priced.unit
    return Figure(
        f"Loss for {show(made.cost.value)} {unit}",
        Axis.of("N", counted(found, "N")),
        Axis.of("L", unit_of(found, "L")),
        tuple(layers),
    )


def at_equal_loss(found: Fit[Any] | Published, made: Plan, beside: tuple[Points, ...]) -> Figure:
    """Return what other sizes cost to reach the loss of a plan, the plan, and points beside it."""
    asked = _again(found, made)
    N = np.geomspace(made.N.value / WIDE, made.N.value * WIDE, 4 * STEPS)
    cost = _at_loss(asked, made, asked.law, N)[0]
    kept = np.isfinite(cost) & (cost < 10 * made.cost.value)
    layers: list[Layer] = [
        Line(f"cost of L = {made.L.value:.4g}", N[kept], cost[kept], group="law")
    ]
    if asked.draws is not None:
        layers.insert(0, _band(made.level, N[kept], _at_loss(asked, made, asked.draws, N[kept])))
    layers += [*_marked(made, made.N, made.cost.value), *beside]
    return Figure(
        "What other sizes cost at equal loss",
        Axis.of("N", counted(found, "N")),
        Axis("cost over the life of the model", made.priced.unit),
        tuple(layers),
    )


def smaller(shrunk: Shrunk) -> Figure:
    """Return the compute that sizes add to the best run of the same loss, from rows of many k."""
    shown = [row for row in shrunk.rows if row.overhead.value < TALLEST]
    k, rows = np.array([row.factor for row in shown]), [row.overhead for row in shown]
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


def data_wall(found: Wall) -> Figure:
    """Return the tokens that the largest runs ask for and the stock, by quantiles over years."""
    late = found.years[-1] if np.isfinite(found.years[-1]) else found.at[-1]
    kept = found.at <= min(late + 2, found.at[-1])
    at = found.at[kept]
    flat = np.ones(at.size)
    layers = (
        Band("stock, 90%", at, found.stock[0] * flat, found.stock[-1] * flat, group="stock"),
        Line("stock, median", at, found.stock[2] * flat, "reference", group="stock"),
        Band("demand, 90%", at, found.demand[0][kept], found.demand[-1][kept], group="demand"),
        Line("demand, median", at, found.demand[2][kept], group="demand"),
    )
    return Figure(
        "Text in stock, and what the largest runs ask for",
        Axis("year", "", log=False),
        Axis.of("D"),
        layers,
        "Where the bands cross is a span of years, not a date.",
    )


def used_up(found: Wall) -> Figure:
    """Return the chance that the stock is used up by a year."""
    shown = found.used_up < 0.9999
    last = min(int(np.count_nonzero(shown)) + 2, found.at.size)
    return Figure(
        "Chance that the stock is used up",
        Axis("year", "", log=False),
        Axis("share of the draws", "%", log=False),
        (Line("used up by then", found.at[:last], 100 * found.used_up[:last]),),
    )


def _again(found: Fit[Any] | Published, made: Plan) -> PlanningProblem:
    """Return the law of a plan, with its other inputs."""
    from isoflop.plan.problem import ask

    given = dict(made.given)
    unique = given.pop("U", None)
    family, convention = made.priced.counting.family, made.priced.counting.convention
    return ask(
        found,
        {},
        cost=made.priced,
        unique=unique,
        given=given,
        level=made.level,
        family=family,
        convention={"C": convention} if family is not None else None,
    )


def _at_loss(asked: PlanningProblem, made: Plan, law: Any, N: Numbers) -> Numbers:
    """Return the cost (s, k) of sizes N (k,) at the loss of a plan; NaN where out of reach."""
    from isoflop.plan.optimum import needed

    D = needed(law, made.L.value, "D", "N", N, asked.given)
    return np.atleast_2d(np.asarray(made.priced(N, D)))


def _marked(made: Plan, N: Estimate, height: float) -> list[Layer]:
    marks: list[Layer] = []
    if N.low is not None and N.high is not None:
        span = np.array([N.low, N.high]), np.array([height, height])
        marks.append(Line(f"{made.level:.0%} of the draws of N", *span, "reference", group="plan"))
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
