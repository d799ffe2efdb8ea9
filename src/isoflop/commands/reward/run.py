"""reward run: over-optimise small reward models for real, and keep what gold said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.pages.reward_run import carried_out, designed, ends, said
from isoflop.report import Paragraph, Report

if TYPE_CHECKING:
    pass


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
    from isoflop.sources import read

    study = designed(preset, seeds, seed)
    ended = carried_out(folder, study, f"reward-{preset}-{seed}", workers)
    data = {
        "folder": folder,
        "finished": len(ended.finished),
        "reused": ended.reused,
        "flop": sum(t.flop for t in ended.finished),
        "seconds": ended.seconds,
    }
    blocks = (
        Paragraph(said(ended)),
        ends(read(folder)),
        Paragraph(
            f"'isoflop reward fit {folder}' fits laws to these curves; 'isoflop reward demo "
            f"{folder} --preset {preset}' says what they show."
        ),
    )
    return Report(f"Over-optimisation in {folder}", blocks, data)
