"""The trials of a sweep that ended, sent to a tracker: each once, whatever is killed meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from isoflop.errors import BadRuns, in_words
from isoflop.experiments.engines import SweepProgress
from isoflop.experiments.experiment import Trial
from isoflop.experiments.folder import CURVE, DIVERGED, TrialFolder
from isoflop.experiments.tracking.tracker import TrackedRun, Tracker, Tracking
from isoflop.experiments.trainer.records import records_of
from isoflop.files import read_text, write_atomically
from isoflop.store import Study
from isoflop.terminal import say

SENT = "tracked"  # the file that says where a trial was sent
LABELS = ("run", "family", "seed")
SETTINGS = ("N", "D", "C", "U", "V", "lr", "batch", "steps", "epochs")  # the rest came of a trial
Watch: TypeAlias = Callable[[SweepProgress], None]


def tracked(
    trials: Sequence[Trial], study: Study, tracking: Tracking | None, watch: Watch
) -> Watch:
    """Return a `watch` of a sweep that also sends each trial to a tracker when it has ended.

    A tracker that fails ends no sweep: it is said once, and the next call of the sweep sends what
    was not sent.
    Raises UnknownName for a tracker that is not known, MissingExtra without its library.
    """
    if tracking is None:
        return watch
    tracker, where = tracking.connect(study.path), tracking.where
    waiting = {trial.key: trial for trial in trials}
    failed = False

    def watching(progress: SweepProgress) -> None:
        nonlocal failed
        watch(progress)
        for key in list(waiting):
            folder = TrialFolder(study.trials / key)
            crashed = (folder.path / DIVERGED).exists()
            if failed or (folder.summary is None and not crashed):
                continue
            trial = waiting.pop(key)
            try:
                _send(trial, folder, crashed, where, tracker)
            except Exception as error:  # whatever the tracker's library makes of the world
                failed = True
                words = in_words(error, f"sending trials to {where}")
                say(f"{words}; the sweep goes on, and its next call sends what was not sent")

    return watching


def _send(trial: Trial, folder: TrialFolder, crashed: bool, where: str, tracker: Tracker) -> None:
    """Send a trial unless it was sent there before."""
    path = folder.path / SENT
    places = read_text(path).splitlines() if path.exists() else []
    if where in places:
        return
    tracker.send(tracked_run(trial, folder, crashed))
    text = "\n".join([*places, where]) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def tracked_run(trial: Trial, folder: TrialFolder, crashed: bool = False) -> TrackedRun:
    """Return a trial that ended as a tracker takes it."""
    summary: Mapping[str, Any] = folder.summary or {}
    observations: Sequence[Mapping[str, Any]] = summary.get("observations") or [{}]
    last = observations[-1]
    numbers = {k: float(v) for k, v in last.items() if _is_number(v) and k not in LABELS}
    config = {k: v for k, v in trial.config.items() if isinstance(v, bool | int | float | str)}
    fixed = {k: v for k, v in numbers.items() if k in SETTINGS}
    return TrackedRun(
        key=trial.key,
        name=trial.name,
        group=str(last.get("family", "")),
        config={**config, **fixed, "seed": trial.seed, "experiment": trial.experiment},
        records=_records(folder),
        summary={k: v for k, v in numbers.items() if k not in fixed},
        crashed=crashed,
    )


def _records(folder: TrialFolder) -> tuple[Mapping[str, float], ...]:
    """Return what a trial logged, in the order of its steps; of a step that came twice the later.

    What a trainer printed and nobody can read is left out: its result is in the summary.
    """
    path = folder.curve
    try:
        records = records_of(path) if path.exists() else ()
    except BadRuns:
        return ()
    by_step: dict[float, dict[str, float]] = {}
    for number, record in enumerate(records, 1):
        values = {k: float(v) for k, v in record.items() if _is_number(v)}
        step = values.get("step", float(number))
        if path.name == CURVE:
            by_step.setdefault(step, {}).update(values)
        else:
            by_step[step] = {**values, "step": step}
    return tuple(by_step[step] for step in sorted(by_step))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
