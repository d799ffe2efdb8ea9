"""testtime demo: sample a small transformer for real, and say what test-time compute bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.report import Report
from isoflop.terminal import say


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What is run."""

    preset: Annotated[str, Option("what is run: study, or tiny for a trial of it")] = "study"
    seeds: Annotated[int | None, Option("as many as the preset has unless given")] = None
    strategy: Annotated[
        tuple[str, ...], Option("instead of the preset's, such as beam/n=32,m=8", "NAME")
    ] = ()
    problems: Annotated[int | None, Option("of each seed; the preset's unless given")] = None
    seed: Annotated[int, Option("of the first policy", "SEED")] = 0


@command("testtime demo", example="isoflop testtime demo", minutes=True)
def testtime_demo(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")] = "testtime-demo",
    *,
    setting: SearchOptions = SearchOptions(),
    page: Annotated[str, Option("the report with its figures", "FILE")] = "testtime-demo.html",
) -> Report:
    """Spend test-time compute on a small transformer; say what it bought.

    Samples problems, teaches a process verifier, runs searches, revisions and forced budgets,
    and holds six claims to what was seen over the seeds. Forecasts coverage from few samples
    by the law that a backtest chooses, and says how far off that was. Killed anywhere, the same
    command resumes; the folder is a sample bank for the other commands.
    """
    from isoflop.experiments.engines import LocalEngine
    from isoflop.experiments.presets import carry_out
    from isoflop.experiments.testtime.preset_study import preset_study
    from isoflop.pages.testtime_demo import told
    from isoflop.report import html

    study = preset_study(
        setting.preset, setting.seeds, setting.seed, setting.strategy, setting.problems
    )
    name = f"testtime-{setting.preset}-{setting.seed}"
    ended = carry_out(folder, name, study.trials(), LocalEngine(), "isoflop testtime demo")
    report = told(folder, study, ended.seconds)
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report
