"""A new study's file: written, and read back."""

from __future__ import annotations

from pathlib import Path

from isoflop.errors import UsageError
from isoflop.experiments.design.study_file import StudyFile
from isoflop.experiments.design.template import Choices, study_text
from isoflop.experiments.design.trials import trials_of
from isoflop.files import read_text, write_atomically


def write_study(path: Path, choices: Choices) -> StudyFile:
    """Write a study's file, and read it back, so that what is wrong is told now.

    Raises UsageError for a file that is no .toml, for one that holds another study already, and
    for choices that make none.
    """
    if path.suffix != ".toml":
        raise UsageError(f"{path} does not end in .toml, as a study's file does")
    text = study_text(choices)
    if path.exists() and read_text(path, UsageError) != text:
        raise UsageError(f"{path} is there already; name a new file, or change it in an editor")
    write_atomically(path, lambda file: file.write(text.encode()))
    try:
        study = StudyFile.read(path)
        trials_of(study)
    except Exception:
        path.unlink()
        raise
    return study
