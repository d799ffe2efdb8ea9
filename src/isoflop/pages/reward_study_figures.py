"""The figures of a study of over-optimisation: gold and proxy against root KL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isoflop.quantities import show
from isoflop.report import Axis, Band, Figure, Layer, Line

if TYPE_CHECKING:
    from isoflop.studies.reward import ScorerArm, StudyResult

_GAIN = Axis("R: gain over the initial policy", "its standard deviations there", log=False)
_OVER = "Bands hold every replication."
DEEP = 2.0  # times the largest gain, to which losses are drawn: RL may lose ten times as much


def figures(study: StudyResult) -> tuple[Figure, ...]:
    """Return the figures that the arms of a study allow."""
    candidates = (
        _by("size of the proxy", study.plain, "N", "pairs"),
        _by("pairs that the proxy learned from", study.plain, "pairs", "N"),
        _against_bon(study),
        _variants(study),
    )
    return tuple(figure for figure in candidates if figure is not None)


def _by(what: str, arms: Sequence[ScorerArm], by: str, fixed: str) -> Figure | None:
    """Return best-of-n by one attribute, at the largest of the other: gold, and the proxy."""
    most = max((getattr(a, fixed) for a in arms), default=0)
    arms_shown = sorted(
        (a for a in arms if getattr(a, fixed) == most), key=lambda a: getattr(a, by)
    )
    if len(arms_shown) < 2:
        return None
    unit = "params" if by == "N" else "pairs"
    layers: list[Layer] = []
    for arm in arms_shown:
        name = f"{show(getattr(arm, by))} {unit}"
        layers += _gold(arm, name)
        score = np.mean([run.score_at(arm.grid) for run in arm.runs], axis=0)
        layers.append(Line(f"{name}, its own score", arm.grid, score, "rival", name))
    constant = f"{show(most)} {'pairs each' if fixed == 'pairs' else 'params each'}"
    return Figure(
        f"Best-of-n by {what}, {constant}",
        Axis.of("d", log=False),
        _GAIN,
        tuple(layers),
        f"Solid lines are gold, dashed ones what each proxy says of itself. {_OVER}",
    )


def _against_bon(study: StudyResult) -> Figure | None:
    """Return RL without a penalty against best-of-n by the same proxies."""
    plain = [a for a in study.by_rl if a.simple]
    floor, layers = _floor(plain), list[Layer]()
    for arm in plain:
        chosen = study.choice_of(arm.scorer)
        if chosen is None:
            continue
        layers += _gold(arm, f"RL, {arm.name}", floor)
        mean = np.mean([run.at(chosen.grid) for run in chosen.runs], axis=0)
        name = f"best-of-n, {arm.name}"
        layers.append(Line(name, chosen.grid, mean, "rival", f"RL, {arm.name}"))
    if not layers:
        return None
    return Figure(
        "RL and best-of-n, gold alone",
        Axis.of("d", log=False),
        _GAIN,
        tuple(layers),
        f"Solid lines are RL, dashed ones of one colour best-of-n by the same proxy. {_OVER} "
        f"{_cut(floor)}",
    )


def _variants(study: StudyResult) -> Figure | None:
    """Return RL on ensembles and with a penalty, beside the arms that they vary."""
    special = [a for a in study.by_rl if not a.simple]
    if not special:
        return None
    members = {a.scorer.proxies[0] for a in special}
    plain = [a for a in study.by_rl if a.simple and a.scorer.proxies[0] in members]
    floor = _floor((*plain, *special))
    layers = [layer for arm in (*plain, *special) for layer in _gold(arm, f"RL, {arm.name}", floor)]
    return Figure(
        "RL with a penalty on KL, and on ensembles",
        Axis.of("d", log=False),
        _GAIN,
        tuple(layers),
        f"Gold alone. {_OVER} {_cut(floor)}",
    )


def _floor(arms: Sequence[ScorerArm]) -> float:
    """Return the loss to which gold is drawn, so that gains can be told apart."""
    return -DEEP * max((run.best[1] for arm in arms for run in arm.runs), default=0.0)


def _cut(floor: float) -> str:
    return f"What lies below {floor:.1f} is not drawn."


def _gold(arm: ScorerArm, name: str, floor: float = -np.inf) -> list[Layer]:
    """Return the mean gold of an arm down to a floor, and the band of its replications."""
    each = np.array([run.at(arm.grid) for run in arm.runs])
    mean, low, high = each.mean(0), np.maximum(each.min(0), floor), each.max(0)
    visible, banded = mean >= floor, high >= floor
    line = Line(name, arm.grid[visible], mean[visible], group=name)
    if len(each) < 2:
        return [line]
    return [Band(f"{name}, all", arm.grid[banded], low[banded], high[banded], group=name), line]
