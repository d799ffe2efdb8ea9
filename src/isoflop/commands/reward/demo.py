"""reward demo: over-optimise reward models for real, and say what was seen of the laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.pages.reward_demo import (
    against_of,
    as_data,
    choice_of,
    choices,
    kinds,
    laws_of,
    trends,
    variants,
    verdicts,
)
from isoflop.pages.reward_run import carried_out, designed
from isoflop.report import Block, Paragraph, Report
from isoflop.terminal import say

if TYPE_CHECKING:
    pass


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
    from isoflop.pages.reward_study_figures import figures
    from isoflop.report import html
    from isoflop.sources import read
    from isoflop.studies.reward import outcome

    study = designed(preset, seeds, seed)
    ended = carried_out(folder, study, f"reward-{preset}-{seed}", None)
    runs = read(folder)
    result = outcome(study, runs)
    choice = {kind: choice_of(arms) for kind, arms in kinds(result)}
    blocks: list[Block] = [
        *verdicts(result, choice),
        *figures(result),
        *laws_of("Best-of-n", result.chosen, choice["best-of-n"]),
        *trends(result, choice["best-of-n"]),
        *(laws_of("RL", result.by_rl, choice["RL"]) if result.by_rl else ()),
        choices(choice),
        *against_of(result),
        *variants(result),
        Paragraph(
            f"The study is in {folder}: 'isoflop reward fit {folder}' fits it, and the scores of "
            f"every bank are in {folder}/trials/*/scores.parquet for 'isoflop reward guard'."
        ),
    ]
    data = as_data(result, choice, ended.seconds)
    report = Report("Over-optimised reward models: what was seen", tuple(blocks), data)
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report
