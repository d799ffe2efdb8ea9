"""Train the models of a sweep, and see how far it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isoflop.files import parse_json, read_content
from isoflop.quantities import show
from isoflop.report import Paragraph, Report

if TYPE_CHECKING:
    from isoflop.experiments.engines import Engine, Sweep
    from isoflop.experiments.experiment import Trial
    from isoflop.store import JSON, Study


MOST_SEEDS = 1000  # replications of a study

KIND = "sweep"  # of the documents that say which trials a study is to hold


@dataclass(frozen=True, slots=True)
class TrialStatus:
    """How far one trial is: `done` from 0 to 1, and its cost `flop` [FLOP]."""

    key: str
    name: str
    flop: float
    done: float
    state: str


def carry_out(
    folder: str, name: str, trials: tuple[Trial, ...], engine: Engine, made_by: str
) -> Sweep:
    """Run trials into the study in `folder`, made or resumed there, with a bar.

    Raises EnvironmentFailure if a trial fails twice; the others are kept.
    """
    from isoflop.experiments.display import shown
    from isoflop.experiments.engines import run
    from isoflop.store import Study

    study = Study.create(folder, {"made by": made_by})
    _remember(study, name, trials)
    with shown(name) as watch:
        ended = run(trials, study, engine, watch)
    _refuse_failures(ended, len(trials))
    return ended


STATES = ("finished", "under way", "failed", "waiting")


def _remember(study: Study, name: str, trials: tuple[Trial, ...]) -> None:
    """Write down which trials the study is to hold, so that its status can say what is missing."""
    planned: list[JSON] = [{"key": t.key, "name": t.name, "flop": t.flop} for t in trials]
    study.put(KIND, name, {"trials": planned})


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
    hint = [Paragraph(f"'isoflop {fits.format(folder)}' fits a law to them.")] if fits else []
    data = {
        "folder": folder,
        "finished": len(ended.finished),
        "reused": ended.reused,
        "flop": flop,
        "seconds": ended.seconds,
    }
    return Report(f"Sweep in {folder}", (Paragraph(text), *hint), data)


def standing(study: Study) -> tuple[TrialStatus, ...]:
    """Return where each trial stands: those that were planned, and those that were begun."""
    from isoflop.experiments.folder import ERROR, TrialFolder

    planned: dict[str, tuple[str, float]] = dict(_begun(study))
    for document in study.documents(KIND):
        trials: Any = document.body["trials"]
        planned |= {t["key"]: (t["name"], float(t["flop"])) for t in trials}
    statuses = []
    for key, (name, flop) in planned.items():
        trial = TrialFolder(study.trials / key)
        done = 1.0 if trial.summary is not None else trial.done
        failed = (trial.path / ERROR).exists()
        state = STATES[0 if done == 1 else 2 if failed else 1 if done else 3]
        statuses.append(TrialStatus(key, name, flop, done, state))
    return tuple(sorted(statuses, key=lambda s: (STATES.index(s.state), s.flop, s.name)))


def _begun(study: Study) -> dict[str, tuple[str, float]]:
    """Return the name and cost of every trial that has a folder, by its key."""
    from isoflop.errors import BadStudy
    from isoflop.experiments.folder import SPEC

    trials = {}
    for path in sorted(study.trials.glob(f"*/{SPEC}")):
        try:
            spec = parse_json(read_content(path, BadStudy))
            trials[path.parent.name] = (spec["label"] or spec["key"], float(spec["flop"]))
        except (ValueError, KeyError, TypeError, OverflowError):
            raise BadStudy(
                f"{path} is damaged; run the sweep again, which writes it anew"
            ) from None
    return trials


def designed(experiment: str, preset: str, seed: int) -> tuple[Trial, ...]:
    """Return the trials of a sweep by the name of its experiment and its size.

    Raises UnknownName, which names the nearest one.
    """
    from isoflop.errors import UnknownName
    from isoflop.experiments import named

    module = named(experiment).__module__
    places = (sys.modules.get(name) for name in (module, module.rpartition(".")[0]))
    found = (getattr(place, "PRESETS", None) for place in places)
    presets: Mapping[str, Any] = next(filter(None, found), {})
    if preset not in presets:
        raise UnknownName(f"preset of {experiment}", preset, presets)
    trials: tuple[Trial, ...] = presets[preset](seed).sweep.trials()
    return trials
