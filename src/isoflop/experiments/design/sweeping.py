"""Run a study from Python, as `isoflop sweep run` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from isoflop.experiments.design.study_file import StudyFile
from isoflop.experiments.design.trials import held_out_trial, trials_of
from isoflop.experiments.engines import Engine, EngineOptions, Sweep, SweepProgress, engine, run
from isoflop.experiments.standing import remember
from isoflop.experiments.tracking import tracked
from isoflop.store import Study


def run_study(
    study: StudyFile,
    *,
    on: Engine | None = None,
    held_out: bool = False,
    track: str | None = None,
    watch: Callable[[SweepProgress], None] = lambda progress: None,
) -> Sweep:
    """Train what is unfinished of a study, or the run that it holds out, and return how it ended.

    `on` is the engine, that of the study unless given. Runs are kept in `study.folder`, the one
    that is held out in `study.held_out_folder`. `track` sends each trial that ended to a tracker
    ("wandb:offline", "mlflow:URI", "tensorboard", "trackio"), that of the study unless given.
    Raises UsageError for a study that cannot be run, EnvironmentFailure as `engines.run` does.
    """
    trials = (held_out_trial(study),) if held_out else trials_of(study)
    folder = study.held_out_folder if held_out else study.folder
    store = Study.create(folder, {"made by": "isoflop.run_study"})
    remember(store, study.name, trials)
    watch = tracked(trials, store, study.tracking(track), watch)
    return run(trials, store, on or engine_for(study), watch)


def engine_for(
    study: StudyFile, name: str | None = None, settings: Mapping[str, str | None] | None = None
) -> Engine:
    """Return the engine of a study, with what overrides it.

    Raises UnknownName for an engine that is not known, UsageError for settings it cannot use.
    """
    table = study.engine
    same = name is None or name.partition(":")[0] == table.name.partition(":")[0]
    options = EngineOptions(device=table.device)
    if same:
        options = EngineOptions(
            table.device, table.address, table.partition, table.account, table.setup
        )
    return engine(name or table.name, options.overridden(settings or {}))
