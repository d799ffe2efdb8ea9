"""wall: when the largest runs ask for more text than there is; years as quantiles, never a date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.atlas import Range, Spread
from isoflop.atlas.text_stock import STOCK, Fact
from isoflop.errors import Note, RefusedByData, UsageError
from isoflop.plan.optimum import best
from isoflop.plan.problem import Model, PlanningProblem, basis
from isoflop.plan.rounding import coarse
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZON = 30.0  # years over which a growth is carried; beyond, "not within"
_Z = 1.6448536269514722  # a Spread is read as the 5 and 95% points of a log-normal


GROWTH = Fact(
    Range.of((4.0, 5.0)),
    "growth of the compute of the largest runs [1/year]",
    "Epoch AI, 2024: 4 to 5 times a year",
)
LARGEST = Fact(
    Range.of(3.8e25),
    "training compute of the largest run that said so, in 2024 [FLOP]",
    "Llama 3.1 405B, arXiv:2407.21783",
)
LARGEST_YEAR = 2024.0


@dataclass(frozen=True)
class Wall(Displayed):
    """When demand meets stock, over draws of both.

    `years` holds the quantiles of the year, infinite past the horizon, and `unmet` the share of
    draws past it. `at` (t,) are years, and `demand` and `stock` [tokens] hold rows for the
    quantiles 5, 25, 50, 75 and 95%, (5, t) and (5,). `used_up` (t,) is the share of draws whose
    stock is used up by then.
    """

    quantiles: tuple[float, ...]
    years: tuple[float, ...]
    unmet: float
    at: Numbers
    demand: Numbers
    stock: Numbers
    used_up: Numbers
    overtraining: Range
    notes: tuple[Note, ...]
    model: Model


@dataclass(frozen=True, kw_only=True)
class TextDemand:
    """What the largest runs take: C [FLOP] in `year`, and `growth` times more each year.

    Their D is the best one by the law, at `overtraining` times the best tokens per parameter.
    """

    C: Spread = LARGEST.value
    year: float = LARGEST_YEAR
    growth: Spread = GROWTH.value
    overtraining: Spread = 1.0

    def __post_init__(self) -> None:
        """Refuse a year that is none."""
        if not 1900 <= self.year <= 2200:
            raise UsageError(f"year is {self.year:g}; it must lie between 1900 and 2200")


@dataclass(frozen=True, kw_only=True)
class TextSupply:
    """The `stock` of text [tokens], the share `quality` fit for use, and `epochs` over it."""

    stock: Spread = STOCK.value
    quality: Spread = 1.0
    epochs: Spread = 1.0


def wall(
    model: Model,
    demand: TextDemand = TextDemand(),
    supply: TextSupply = TextSupply(),
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> Wall:
    """Return when the best D of the largest runs exceeds the stock of text.

    Villalobos et al. have the quality and the epochs in their stock. A range is the 5 and 95%
    points of a log-normal; draws of a fit are drawn, too.

    Raises UsageError for spreads that are not positive, RefusedByData if demand does not grow.
    Source: Villalobos et al. 2024, arXiv:2211.04325.
    """
    refuse_draws(draws, least=100)
    rng = np.random.default_rng(seed)
    named = {"C": demand.C, "growth": demand.growth, "stock": supply.stock}
    named |= {"overtraining": demand.overtraining}
    named |= {"quality": supply.quality, "epochs": supply.epochs}
    spreads = {name: _drawn(value, name, rng, draws) for name, value in named.items()}
    if (spreads["growth"] <= 1).all():
        raise RefusedByData("demand does not grow, so it never meets the stock; give growth > 1")
    stock = spreads["stock"] * spreads["quality"] * spreads["epochs"]
    problem = PlanningProblem(model)
    years_ahead = np.arange(0.0, HORIZON + 0.125, 0.25)
    tokens = _demand(problem, spreads, years_ahead, rng)
    when = _crossing(tokens, stock, years_ahead) + demand.year
    tails = np.array(QUANTILES)
    first = best(problem.law, problem.priced, np.array([np.median(spreads["C"])]))
    N, D = float(np.ravel(first.N)[0]), float(np.ravel(first.D)[0])
    return Wall(
        quantiles=QUANTILES,
        years=tuple(float(np.quantile(when, q, method="higher")) for q in QUANTILES),
        unmet=float(np.mean(~np.isfinite(when))),
        at=demand.year + years_ahead,
        demand=np.quantile(tokens, tails, axis=0),
        stock=np.quantile(stock, tails),
        used_up=np.array([np.mean(when <= y) for y in demand.year + years_ahead]),
        overtraining=Range.of(demand.overtraining),
        notes=(*coarse(model), *basis(problem, N, D)),
        model=model,
    )


def _drawn(value: Spread, name: str, rng: np.random.Generator, draws: int) -> Numbers:
    """Return draws of a log-normal with the median and the 5 and 95% points of a range."""
    span = Range.of(value, name)
    z = rng.standard_normal(draws)
    below, above = np.log(span.typical / span.low), np.log(span.high / span.typical)
    return np.asarray(span.typical * np.exp(z / _Z * np.where(z < 0, below, above)))


def _demand(
    problem: PlanningProblem, spreads: dict[str, Numbers], years: Numbers, rng: np.random.Generator
) -> Numbers:
    """Return the D [tokens] (d, t) of the largest run in every year ahead.

    At `overtraining` f times the best D/N and the same C, D grows by the root of f.
    """
    law, draws, cost = problem.law, problem.draws, problem.priced
    log_C = np.log(spreads["C"])[:, None] + np.log(spreads["growth"])[:, None] * years
    # The best D is smooth in log C, so a grid of it serves every draw.
    grid = np.linspace(log_C.min(), log_C.max(), 200)
    members = draws if draws is not None else law
    D = np.log(np.atleast_2d(np.asarray(best(members, cost, np.exp(grid)).D)))
    which = rng.integers(0, D.shape[0], log_C.shape[0])
    rows = np.empty_like(log_C)
    for member in np.unique(which):
        mask = which == member
        rows[mask] = np.interp(log_C[mask], grid, D[member])
    return np.asarray(np.exp(rows) * np.sqrt(spreads["overtraining"])[:, None])


def _crossing(demand: Numbers, supply: Numbers, years: Numbers) -> Numbers:
    """Return the years (d,) from the start until demand (d, t) meets supply (d,); or infinity."""
    over = demand >= supply[:, None]
    met = over.any(axis=1)
    i = np.argmax(over, axis=1)
    before = np.maximum(i - 1, 0)
    rows = np.arange(len(supply))
    low, high = np.log(demand[rows, before]), np.log(demand[rows, i])
    share = np.where(i > 0, (np.log(supply) - low) / np.where(high > low, high - low, 1.0), 0.0)
    step = years[1] - years[0]
    return np.where(met, years[before] + share * step, np.inf)
