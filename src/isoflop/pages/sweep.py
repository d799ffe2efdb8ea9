"""Train the models of a sweep, and see how far it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isoflop.quantities import show
from isoflop.report import Paragraph, Remark, Report

if TYPE_CHECKING:
    from isoflop.experiments.engines import Engine, Sweep, TrialFailure
    from isoflop.experiments.experiment import Trial


MOST_SEEDS = 1000  # replications of a study


def carry_out(
    folder: str, name: str, trials: tuple[Trial, ...], engine: Engine, made_by: str
) -> Sweep:
    """Run trials into the study in `folder`, made or resumed there, with a bar.

    Raises EnvironmentFailure if a trial fails twice; the others are kept.
    """
    from isoflop.experiments.display import shown
    from isoflop.experiments.engines import run
    from isoflop.experiments.standing import remember
    from isoflop.store import Study

    study = Study.create(folder, {"made by": made_by})
    remember(study, name, trials)
    with shown(name) as watch:
        ended = run(trials, study, engine, watch)
    _refuse_failures(ended, len(trials))
    return ended


def _refuse_failures(ended: Sweep, count: int) -> None:
    from isoflop.errors import EnvironmentFailure

    if ended.failed:
        first = ended.failed[0]
        last = first.message.strip().splitlines()[-1]
        raise EnvironmentFailure(
            f"{len(ended.failed)} of {count} trials failed twice, the first of them "
            f"{first.trial.name}: {last}; the others are kept, and the same command tries again"
        )


def ended_of(folder: str, ended: Sweep, fits: str) -> Report:
    """Return how a sweep ended."""
    from isoflop.experiments.display import duration

    flop = sum(trial.flop for trial in ended.finished)
    text = (
        f"{len(ended.finished)} trials are finished ({ended.reused} were before), of {show(flop)} "
        f"FLOP in all; this call took {duration(ended.seconds)}."
    )
    notes = [Remark(_lost(failure), "doubt") for failure in ended.diverged]
    if ended.cancelled:
        text = f"{len(ended.cancelled)} trials are cancelled; 'isoflop sweep retry' takes them back"
        notes.append(Remark(text, "doubt"))
    hint = [Paragraph(f"'isoflop {fits.format(folder)}' fits a law to them.")] if fits else []
    data = {
        "folder": folder,
        "finished": len(ended.finished),
        "reused": ended.reused,
        "flop": flop,
        "seconds": ended.seconds,
        "diverged": [failure.trial.name for failure in ended.diverged],
        "cancelled": [trial.name for trial in ended.cancelled],
    }
    return Report(f"Sweep in {folder}", (*notes, Paragraph(text), *hint), data)


def _lost(failure: TrialFailure) -> str:
    """Return why a trial counts for nothing."""
    lines = failure.message.strip().splitlines()
    return f"{failure.trial.name} diverged and is left out: {lines[-1] if lines else 'no number'}"


def designed(experiment: str, preset: str, seed: int) -> tuple[Trial, ...]:
    """Return the trials of a sweep by the name of its experiment and its size.

    Raises UnknownName, which names the nearest one.
    """
    from isoflop.errors import UnknownName
    from isoflop.experiments import named

    module = named(experiment).__module__
    places = (sys.modules.get(name) for name in (module, module.rpartition(".")[0]))
    choices = (getattr(place, "PRESETS", None) for place in places)
    presets: Mapping[str, Any] = next(filter(None, choices), {})
    if preset not in presets:
        raise UnknownName(f"preset of {experiment}", preset, presets)
    trials: tuple[Trial, ...] = presets[preset](seed).sweep.trials()
    return trials
