"""The figures of an observational law: capability by compute, and the score by capability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.report import Axis, Band, ErrorBar, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.observational import (
        FamilyForecast,
        FamilyLine,
        Models,
        ObservationalBacktest,
        Observed,
    )

STEPS = 80
MOST_FAMILIES = 6  # colours that a reader tells apart
_SCORE = Axis("score: share of items answered rightly", "1", log=False)


def capability_by_compute(
    models: Models, fit: Observed, placed: tuple[FamilyLine, ...], named: str | None
) -> Figure:
    """Return the first capability against compute; lines of the family named and the largest."""
    S = fit.capabilities.of(models, 1)[:, 0]
    finite = np.isfinite(models.C)
    families_shown = sorted(placed, key=lambda f: (f.name != named, -f.count))[:MOST_FAMILIES]
    rest = finite & ~np.isin(models.families, [f.name for f in families_shown])
    layers: list[Layer] = []
    if rest.any():
        names = tuple(models.names[rest].tolist())
        layers.append(Points("other families", models.C[rest], S[rest], "dropped", names))
    for one in families_shown:
        mine = finite & (models.families == one.name)
        grid = np.geomspace(*one.C, STEPS)
        label = f"{one.name}: {one.slope:.3g} per decade"
        layers += [
            Line(label, grid, one.capability(grid), group=one.name),
            Points(
                one.name,
                models.C[mine],
                S[mine],
                hover=tuple(models.names[mine].tolist()),
                group=one.name,
            ),
        ]
    return Figure(
        "Capability against compute, family by family",
        Axis.of("C"),
        Axis("PC1: first principal capability", "1", log=False),
        tuple(layers),
        "Lines are straight in log C; each family has its own slope.",
    )


def score_by_index(
    fit: Observed, test: ObservationalBacktest | None, forecast: FamilyForecast | None
) -> Figure:
    """Return the score against the capability that counts for it, with what was held out."""
    index = fit.index(fit.models)
    ends = [
        index,
        *([fit.index(test.models)] if test else []),
        *([np.array([forecast.index])] if forecast else []),
    ]
    every = np.concatenate(ends)
    grid = np.linspace(every.min(), every.max() + 0.05 * np.ptp(every), STEPS)
    residual = np.quantile(fit.residuals, [(1 - fit.level) / 2, (1 + fit.level) / 2])
    curve = fit.law.score(grid)
    low, high = (np.clip(curve + r * fit.law.ease(curve), 0, 1) for r in residual)
    layers: list[Layer] = [
        Band(f"{fit.level:.0%} of the models that were seen", grid, low, high, group="law"),
        Line("sigmoid", grid, curve, group="law"),
        Points(
            "models seen",
            index,
            fit.models.of([fit.task])[:, 0],
            hover=tuple(fit.models.names.tolist()),
            group="seen",
        ),
    ]
    if test is not None:
        layers.append(
            Points(
                "held out",
                fit.index(test.models),
                test.truth,
                "truth",
                tuple(test.models.names.tolist()),
            )
        )
    if forecast is not None:
        layers.append(
            ErrorBar(
                f"{forecast.family.name}, forecast",
                forecast.index,
                forecast.score,
                forecast.low,
                forecast.high,
                group="forecast",
            )
        )
    return Figure(
        f"{fit.task} against the capability that counts for it",
        Axis(f"{fit.n_components} components, weighted", "log odds", log=False),
        _SCORE,
        tuple(layers),
        extrapolates_from=float(index.max()),
    )
