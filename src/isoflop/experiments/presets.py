"""Studies that come with isoflop, by the name of their experiment and their size."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from isoflop.errors import EnvironmentFailure, UnknownName
from isoflop.experiments import named
from isoflop.experiments.display import shown
from isoflop.experiments.engines import Engine, Sweep, run
from isoflop.experiments.experiment import Trial
from isoflop.experiments.standing import remember
from isoflop.experiments.tracking import Tracking, tracked
from isoflop.store import Study

MOST_SEEDS = 1000  # replications of a study


def carry_out(
    folder: str,
    name: str,
    trials: tuple[Trial, ...],
    engine: Engine,
    made_by: str,
    tracking: Tracking | None = None,
) -> Sweep:
    """Run trials into the study in `folder`, made or resumed there, with a bar.

    Raises EnvironmentFailure if a trial fails twice; the others are kept.
    """
    study = Study.create(folder, {"made by": made_by})
    remember(study, name, trials)
    with shown(name) as watch:
        ended = run(trials, study, engine, tracked(trials, study, tracking, watch))
    _refuse_failures(ended, len(trials))
    return ended


def _refuse_failures(ended: Sweep, count: int) -> None:
    if ended.failed:
        first = ended.failed[0]
        last = first.message.strip().splitlines()[-1]
        raise EnvironmentFailure(
            f"{len(ended.failed)} of {count} trials failed twice, the first of them "
            f"{first.trial.name}: {last}; the others are kept, and the same command tries again"
        )


def preset_trials(experiment: str, preset: str, seed: int) -> tuple[Trial, ...]:
    """Return the trials of a sweep by the name of its experiment and its size.

    Raises UnknownName, which names the nearest one.
    """
    module = named(experiment).__module__
    places = (sys.modules.get(name) for name in (module, module.rpartition(".")[0]))
    candidates = (getattr(place, "PRESETS", None) for place in places)
    presets: Mapping[str, Any] = next(filter(None, candidates), {})
    if preset not in presets:
        raise UnknownName(f"preset of {experiment}", preset, presets)
    trials: tuple[Trial, ...] = presets[preset](seed).sweep.trials()
    return trials
