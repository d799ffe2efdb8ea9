"""rl demo: train for real, forecast the second half from the first, and say how far off it was."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.report import Report
from isoflop.terminal import say


@command("rl demo", example="isoflop rl demo", minutes=True)
def rl_demo(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")] = "rl-demo",
    *,
    preset: Annotated[str, Option("what is trained: study, or tiny for a trial of it")] = "study",
    seed: Annotated[int, Option("of the first run of each recipe", "SEED")] = 0,
    page: Annotated[str, Option("the report with its figures", "FILE")] = "rl-demo.html",
) -> Report:
    """Train small policies, and forecast each recipe from its first half.

    Trains every recipe under several seeds, chooses the law of each by a backtest within the
    first half of its compute, forecasts the end, and says how far off that was. Then compares
    the first two recipes. Killed anywhere, the same command resumes.
    """
    from isoflop.pages.rl_demo import page_of
    from isoflop.report import html
    from isoflop.studies.reinforcement import reinforcement

    report = page_of(reinforcement(folder, preset=preset, seed=seed))
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report
