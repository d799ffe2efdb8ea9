"""sweep cancel and sweep retry: stop trials, or take them back."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.commands.sweep.run import folder_of
from isoflop.pages.sweep import changed_of
from isoflop.report import Report

Studied = Annotated[str, Option("a study's file or folder", "STUDY")]
Trials = Annotated[
    tuple[str, ...], Option("a trial by its name or key, in place of all; may be repeated", "NAME")
]


@command("sweep cancel", example="isoflop sweep cancel study.toml", minutes=True)
def cancel_sweep(study: Studied, *, trial: Trials = ()) -> Report:
    """Stop the trials of a study, and keep them from being started again.

    Whoever drives the study sees it at once. What is finished stays, and so do checkpoints.
    """
    from isoflop.experiments.standing import cancel
    from isoflop.store import Study

    folder = folder_of(study)
    return changed_of(folder, "cancelled", cancel(Study.open(folder), trial))


@command("sweep retry", example="isoflop sweep retry study.toml", minutes=True)
def retry_sweep(study: Studied, *, trial: Trials = ()) -> Report:
    """Take back trials that failed, diverged or were cancelled.

    'isoflop sweep run' then runs them.
    """
    from isoflop.experiments.standing import retry
    from isoflop.store import Study

    folder = folder_of(study)
    return changed_of(folder, "to be run again", retry(Study.open(folder), trial))
