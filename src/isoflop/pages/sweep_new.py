"""A study's file that was written, and what to do with it."""

from __future__ import annotations

from pathlib import Path

from isoflop.experiments.design import StudyFile, trials_of
from isoflop.files import read_text
from isoflop.report import Report


def page_of(path: Path, study: StudyFile) -> Report:
    """Return how many trials a file holds, and the commands that go on from it."""
    trials = trials_of(study)
    words = (
        f"{path} holds {len(trials)} trials; 'isoflop sweep plan {path}' says what they cost and "
        f"what they can tell, 'isoflop sweep run {path}' makes them."
    )
    data = {"file": str(path), "trials": len(trials), "text": read_text(path)}
    return Report(f"Study {study.name}", (), data, answer=words)
