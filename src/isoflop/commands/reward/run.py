"""reward run: over-optimise small reward models for real, and keep what gold said of it."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.report import Report


@command("reward run", example="isoflop reward run reward-study --preset tiny", minutes=True)
def reward_run(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")],
    *,
    preset: Annotated[str, Option("study, of a few minutes, or tiny for a trial of it")] = "study",
    seeds: Annotated[
        int | None,
        Option("replications, each with all new; as many as the preset has unless given"),
    ] = None,
    seed: Annotated[int, Option("of the first replication", "SEED")] = 0,
    workers: Annotated[
        int | None, Option("trials at once; as many as there are cores unless given")
    ] = None,
) -> Report:
    """Over-optimise small reward models, and keep what gold says of it.

    A policy imitates a Markov source; a gold reward ranks pairs of its responses; proxies of
    many sizes learn from them; best-of-n and REINFORCE then please the proxies. Killed anywhere,
    the same command resumes. The study is TABLE for 'isoflop reward fit', and the scores of its
    banks are in trials/*/scores.parquet, TABLE for 'isoflop reward guard'.
    """
    from isoflop.experiments.reward.preset_study import run_preset
    from isoflop.pages.reward_run import page_of
    from isoflop.sources import read

    _, ended = run_preset(folder, preset, seeds=seeds, seed=seed, workers=workers)
    return page_of(folder, preset, ended, read(folder))
