"""A study of a preset, with the seeds, strategies and problems that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from isoflop.errors import UnknownName
from isoflop.experiments.presets import MOST_SEEDS
from isoflop.experiments.testtime import PRESETS, TestTime, attempts, named
from isoflop.quantities import refuse_count


def preset_study(
    preset: str,
    seeds: int | None = None,
    seed: int = 0,
    strategies: Sequence[str] = (),
    problems: int | None = None,
) -> TestTime:
    """Return the study of a preset, with the seeds, strategies and problems that were asked for.

    Raises UnknownName for a preset or a strategy that there is not, UsageError for no seeds.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    study = PRESETS[preset](seed).sweep
    changes: dict[str, Any] = {} if problems is None else {"problems": problems}
    if strategies:
        most = max(attempts(named(name)) for name in strategies)
        changes |= {"strategies": tuple(strategies), "attempts": max(most, study.setting.attempts)}
    if seeds is not None:
        refuse_count("--seeds", seeds, 1, MOST_SEEDS)
        study = replace(study, seeds=tuple(range(seed, seed + seeds)))
    return replace(study, setting=replace(study.setting, **changes))
