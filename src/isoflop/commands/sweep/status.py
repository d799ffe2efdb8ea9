"""sweep status: how far each trial of a study is."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.commands.sweep.run import folder_of
from isoflop.pages import sweep_status
from isoflop.report import Report


@command("sweep status", example="isoflop sweep status study.toml", minutes=True)
def status(
    study: Annotated[str, Option("a study's file or folder, under way or finished", "STUDY")],
) -> Report:
    """Show how far each trial of a study is; a running sweep is not disturbed."""
    from isoflop.experiments.standing import speed, standing
    from isoflop.store import Study

    store = Study.open(folder_of(study))
    return sweep_status.page(str(store.path), standing(store), speed(store))
