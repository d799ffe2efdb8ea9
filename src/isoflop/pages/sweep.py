"""Train the models of a sweep, and see how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.quantities import show
from isoflop.report import Paragraph, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.engines import Sweep, TrialFailure
    from isoflop.experiments.standing import TrialStatus


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


def changed_of(folder: str, words: str, trials: tuple[TrialStatus, ...]) -> Report:
    """Return which trials were stopped or taken back."""
    rows = tuple((s.name, s.state, s.flop) for s in trials)
    text = f"{len(trials)} trials of {folder} are {words}."
    data = {"folder": folder, "trials": [{"key": s.key, "name": s.name} for s in trials]}
    table = Table(("trial", "was", "cost [FLOP]"), rows)
    return Report(f"Sweep in {folder}", (Paragraph(text), table), data)
