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
    models: Models, found: Observed, placed: tuple[FamilyLine, ...], named: str | None
) -> Figure:
    """Return the first capability against compute; lines of the family named and the largest."""
    S = found.capabilities.of(models, 1)[:, 0]
    known = np.isfinite(models.C)
    shown = sorted(placed, key=lambda f: (f.name != named, -f.count))[:MOST_FAMILIES]
    rest = known & ~np.isin(models.families, [f.name for f in shown])
    layers: list[Layer] = []
    if rest.any():
        names = tuple(models.names[rest].tolist())
        layers.append(Points("other families", models.C[rest], S[rest], "dropped", names))
    for one in shown:
        mine = known & (models.families == one.name)
        along = np.geomspace(*one.C, STEPS)
        label = f"{one.name}: {one.slope:.3g} per decade"
        layers += [
            Line(label, along, one.capability(along), group=one.name),
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
    found: Observed, test: ObservationalBacktest | None, ahead: FamilyForecast | None
) -> Figure:
    """Return the score against the capability that counts for it, with what was held out."""
    seen = found.index(found.models)
    ends = [
        seen,
        *([found.index(test.models)] if test else []),
        *([np.array([ahead.index])] if ahead else []),
    ]
    every = np.concatenate(ends)
    along = np.linspace(every.min(), every.max() + 0.05 * np.ptp(every), STEPS)
    residual = np.quantile(found.left, [(1 - found.level) / 2, (1 + found.level) / 2])
    curve = found.law.score(along)
    low, high = (np.clip(curve + r * found.law.ease(curve), 0, 1) for r in residual)
    layers: list[Layer] = [
        Band(f"{found.level:.0%} of the models that were seen", along, low, high, group="law"),
        Line("sigmoid", along, curve, group="law"),
        Points(
            "models seen",
            seen,
            found.models.of([found.task])[:, 0],
            hover=tuple(found.models.names.tolist()),
            group="seen",
        ),
    ]
    if test is not None:
        layers.append(
            Points(
                "held out",
                found.index(test.models),
                test.truth,
                "truth",
                tuple(test.models.names.tolist()),
            )
        )
    if ahead is not None:
        layers.append(
            ErrorBar(
                f"{ahead.family.name}, forecast",
                ahead.index,
                ahead.score,
                ahead.low,
                ahead.high,
                group="forecast",
            )
        )
    return Figure(
        f"{found.task} against the capability that counts for it",
        Axis(f"{found.kept} components, weighted", "log odds", log=False),
        _SCORE,
        tuple(layers),
        extrapolates_from=float(seen.max()),
    )
