"""reward demo: over-optimise reward models for real, and say what was seen of the laws."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.report import Report
from isoflop.terminal import say


@command("reward demo", example="isoflop reward demo", minutes=True)
def reward_demo(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")] = "reward-demo",
    *,
    preset: Annotated[str, Option("what is run: study, or tiny for a trial of it")] = "study",
    seeds: Annotated[
        int | None, Option("replications; as many as the preset has unless given")
    ] = None,
    seed: Annotated[int, Option("of the first replication", "SEED")] = 0,
    page: Annotated[str, Option("the report with its figures", "FILE")] = "reward-demo.html",
) -> Report:
    """Over-optimise reward models for real, and say what came of it.

    Runs best-of-n and RL on proxies of a gold reward, fits both forms of Gao et al. and lets
    held-out KL choose, forecasts the second half of the KL from the first, and says where proxies
    of more parameters or data fell later and where not. Killed anywhere, the same command resumes.
    """
    from isoflop.pages.reward_demo import page_of
    from isoflop.report import html
    from isoflop.studies.reward import overoptimise

    report = page_of(overoptimise(folder, preset=preset, seeds=seeds, seed=seed))
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report
