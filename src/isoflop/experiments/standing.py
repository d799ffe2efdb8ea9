"""Where each trial of a study stands, read from its folder; a running sweep is not disturbed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from isoflop.errors import BadStudy, UnknownName
from isoflop.experiments.collect import KIND as OBSERVATIONS
from isoflop.experiments.experiment import Trial
from isoflop.experiments.folder import (
    CANCEL,
    DIVERGED,
    ERROR,
    PROGRESS,
    SPEC,
    TRAINED,
    TrialFolder,
)
from isoflop.files import parse_json, read_content, write_atomically
from isoflop.store import JSON, Study

KIND = "sweep"  # of the documents that say which trials a study is to hold

# Failed: it ended badly the last time. Interrupted: it began, and no process carries it on.
STATES = ("finished", "running", "interrupted", "failed", "diverged", "cancelled", "waiting")


@dataclass(frozen=True, slots=True)
class TrialStatus:
    """How far one trial is: `done` from 0 to 1, and its cost `flop` [FLOP]."""

    key: str
    name: str
    flop: float
    done: float
    state: str


def remember(study: Study, name: str, trials: tuple[Trial, ...]) -> None:
    """Write down which trials the study is to hold, so that its status can say what is missing."""
    planned: list[JSON] = [{"key": t.key, "name": t.name, "flop": t.flop} for t in trials]
    study.put(KIND, name, {"trials": planned})


def standing(study: Study) -> tuple[TrialStatus, ...]:
    """Return where each trial stands: those that were planned, and those that were begun."""
    planned: dict[str, tuple[str, float]] = dict(_begun(study))
    for document in study.documents(KIND):
        trials: Any = document.body["trials"]
        planned |= {t["key"]: (t["name"], float(t["flop"])) for t in trials}
    statuses = []
    for key, (name, flop) in planned.items():
        folder = TrialFolder(study.trials / key)
        state = _state(folder)
        done = 1.0 if state == "finished" else folder.done
        statuses.append(TrialStatus(key, name, flop, done, state))
    return tuple(sorted(statuses, key=lambda s: (STATES.index(s.state), s.flop, s.name)))


def _state(folder: TrialFolder) -> str:
    """Return the state of a trial, from what lies in its folder."""
    if folder.summary is not None:
        return "finished"
    if folder.is_running:
        return "running"
    signs = {CANCEL: "cancelled", DIVERGED: "diverged", ERROR: "failed", PROGRESS: "interrupted"}
    return next((s for name, s in signs.items() if (folder.path / name).exists()), "waiting")


def speed(study: Study) -> float | None:
    """Return how fast the finished trials were trained [FLOP/s], or None before the first."""
    flop = seconds = 0.0
    for document in study.documents(OBSERVATIONS):
        body: Any = document.body
        flop += float(body["flop"])
        seconds += float(body["provenance"]["seconds"])
    return flop / seconds if seconds > 0 else None


def cancel(study: Study, names: Iterable[str] = ()) -> tuple[TrialStatus, ...]:
    """Stop trials, or every one that is not finished, and keep them from being started again.

    The process that drives the study sees it at once; what a trial wrote is kept.
    Raises UnknownName for a trial that the study does not have.
    """
    open_states = {"running", "interrupted", "failed", "waiting"}
    chosen = [s for s in _chosen(study, names) if s.state in open_states]
    for status in chosen:
        folder = study.trials / status.key
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / CANCEL, lambda f: f.write(b""))
    return tuple(chosen)


def retry(study: Study, names: Iterable[str] = ()) -> tuple[TrialStatus, ...]:
    """Take trials back, or every one that failed, diverged or was cancelled, to be run again.

    Raises UnknownName for a trial that the study does not have, EnvironmentFailure while another
    process drives the study.
    """
    closed = {"failed", "diverged", "cancelled"}
    chosen = [s for s in _chosen(study, names) if s.state in closed]
    with study.driving():
        for status in chosen:
            lost = (CANCEL, DIVERGED, ERROR, *((TRAINED,) if status.state == "diverged" else ()))
            for name in lost:
                (study.trials / status.key / name).unlink(missing_ok=True)
    return tuple(chosen)


def _chosen(study: Study, names: Iterable[str]) -> list[TrialStatus]:
    trials, wanted = standing(study), list(names)
    for name in wanted:
        if not any(name in (s.name, s.key) for s in trials):
            raise UnknownName("trial", name, [s.name for s in trials])
    return [s for s in trials if not wanted or {s.name, s.key} & set(wanted)]


def _begun(study: Study) -> dict[str, tuple[str, float]]:
    """Return the name and cost of every trial that has a folder, by its key."""
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
