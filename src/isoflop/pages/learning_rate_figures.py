"""The figures of lr: every rule against size, and the valley of a fitted surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.quantities import show
from isoflop.report import Axis, Contours, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.laws.rate_batch_surface import Best
    from isoflop.plan.training.learning_rate import RateQuery, Rule, RuleAdvice

STEPS = 81
CUT = 10.0  # percent above the best, beyond which a surface says nothing
WIDE = 100.0  # how far around the model sizes are drawn
FLOOR, TOP = {"lr": 1e-6, "batch": 1e3}, {"lr": 1.0, "batch": 1e9}  # no rule means more


def against_size(setting: RateQuery, rows: tuple[RuleAdvice, ...], quantity: str) -> Figure:
    """Return "lr" or "batch" by every rule at other sizes of as many tokens a parameter.

    A rule is drawn thick where it was fitted and thin elsewhere; the model is marked on each.
    """
    from isoflop.plan.training.learning_rate import RULES, said, scaled

    many = scaled(setting, np.geomspace(1 / WIDE, WIDE, STEPS))
    layers: list[Layer] = []
    for rule in RULES:
        y, inside = said(rule, quantity, many)
        visible = np.isfinite(y) & (y > FLOOR[quantity]) & (y < TOP[quantity])
        if _of_loss(rule, quantity) or not visible.any():
            continue
        layers.append(Line(rule.name, many.N[visible], y[visible], "rival", group=rule.name))
        mask = visible & inside
        if mask.sum() > 1:
            name = f"{rule.name}, in range"
            layers.append(Line(name, many.N[mask], y[mask], "fit", group=rule.name))
    for row in rows:
        if (value := getattr(row, quantity)) is not None:
            at = np.array([float(setting.N)]), np.array([value.value])
            layers.append(Points(f"{row.name}, here", *at, "best", group=row.name))
    what = "Learning rate" if quantity == "lr" else "Batch"
    ratio = show(float(setting.D / setting.N))
    return Figure(
        f"{what} by rule, at D/N = {ratio}",
        Axis.of("N", f"params, {setting.counted}"),
        Axis.of(quantity),
        tuple(layers),
        "Thick where a rule was fitted, thin beyond. Rules of the loss are points: it is known "
        "for the model alone.",
    )


def valley(
    fit: Fit[Any], setting: RateQuery, rows: tuple[RuleAdvice, ...], within: float
) -> Figure:
    """Return the loss of a fitted surface over rate and batch, in % above its best, and the rules.

    The rules' points show what following each would cost by the surface.
    """
    from isoflop.plan.training.learning_rate import surface_size

    nearest = surface_size(fit, setting)
    law, D = fit.law, float(setting.D)
    best = law.best(nearest, D, within)
    marks = [row for row in rows if row.lr is not None and row.batch is not None]
    lr = _span([row.lr.value for row in marks if row.lr], best.lr, best.lr_factor)
    batch = _span([row.batch.value for row in marks if row.batch], best.batch, best.batch_factor)
    base = law(N=nearest, D=D, lr=best.lr, batch=best.batch)
    z = 100 * (law(N=nearest, D=D, lr=lr[None, :], batch=batch[:, None]) / base - 1)
    layers: list[Layer] = [
        Contours("above the best", lr, batch, np.minimum(z, CUT), "%"),
        _edge(law, best, within),
    ]
    for row in marks:
        if row.lr and row.batch:
            at = np.array([row.lr.value]), np.array([row.batch.value])
            layers.append(Points(row.name, *at, "best", group=row.name))
    return Figure(
        f"Your surface at N = {show(nearest)}, D = {show(D)}",
        Axis.of("lr"),
        Axis.of("batch"),
        tuple(layers),
        f"Loss above the best, in percent; it is cut at {CUT:g}%.",
    )


def _edge(law: Any, best: Best, within: float) -> Line:
    """Return the line along which the loss is `within` of the best."""
    turn = np.linspace(0, 2 * np.pi, STEPS)
    root = np.sqrt(1 - law.tilt**2)
    u = np.sqrt(np.log1p(within)) * np.cos(turn) / root
    v = np.sqrt(np.log1p(within)) * np.sin(turn) - law.tilt * u
    lr, batch = best.lr * np.exp(u / law.bend_lr), best.batch * np.exp(v / law.bend_batch)
    return Line(f"within {within:.2%} of the best", lr, batch, "frontier", group="your surface")


def _of_loss(rule: Rule, quantity: str) -> bool:
    name = rule.rate if quantity == "lr" else rule.batch
    return bool(name and name.startswith("batch-of-loss/"))


def _span(values: list[float], best: float, factor: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a grid that holds all values and the region that counts as the best."""
    low = min([*values, best / factor**2]) / 1.5
    high = max([*values, best * factor**2]) * 1.5
    return np.geomspace(low, high, STEPS // 2)
