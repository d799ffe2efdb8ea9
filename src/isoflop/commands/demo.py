"""demo: the main job, for real: sweep, choose a form, forecast a larger run, train it, judge."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.report import Report
from isoflop.terminal import say


@command("demo", section="Begin here", example="isoflop demo", minutes=True)
def demo(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")] = "demo",
    *,
    seed: Annotated[int, Option("of the models and of the order of their data", "SEED")] = 0,
    page: Annotated[str, Option("the report with its figures", "FILE")] = "demo.html",
    preset: Annotated[str, Option("size of the sweep: demo, or tiny for a trial of it")] = "demo",
) -> Report:
    """Do the main job on real input, in a few minutes.

    Trains a sweep of small transformers, chooses the form of the law by a backtest inside the
    sweep, forecasts a held-out run of ten times its compute and of a size that it did not hold,
    trains that run, and says how far off the forecast was. Then plans a real budget with a
    published law. Killed anywhere, the same command resumes.
    """
    from isoflop.pages.demo import page_of
    from isoflop.report import html
    from isoflop.studies.pretraining import pretraining

    report = page_of(pretraining(folder, preset=preset, seed=seed))
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report
