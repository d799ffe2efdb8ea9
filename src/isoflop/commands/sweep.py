"""Make runs: train the models of a sweep, and see how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.pages.sweep import STATES, carry_out, designed, ended_of, standing
from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Report, Table

if TYPE_CHECKING:
    pass


@command("sweep run", example="isoflop sweep run study --preset tiny", minutes=True)
def run_sweep(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")],
    *,
    experiment: Annotated[str, Option("what is trained", "NAME")] = "pretrain",
    preset: Annotated[str, Option("size of the sweep", "NAME")] = "tiny",
    seed: Annotated[int, Option("of the models and of the order of their data", "SEED")] = 0,
    workers: Annotated[
        int | None, Option("trials at once; as many as there are cores unless given")
    ] = None,
    device: Annotated[str, Option("where a trial runs: cpu, cuda:0, mps")] = "cpu",
) -> Report:
    """Train the models of a sweep, and keep their runs in a study.

    Killed anywhere, the same command resumes; a finished trial is never run again. The study is
    RUNS for every other command, such as 'isoflop fit FOLDER --law chinchilla'.
    """
    from isoflop.experiments.engines import LocalEngine, cores

    engine = LocalEngine(cores() if workers is None else workers, device)
    trials = designed(experiment, preset, seed)
    name = f"{experiment}-{preset}-{seed}"
    ended = carry_out(folder, name, trials, engine, "isoflop sweep run")
    return ended_of(folder, ended, _FITS.get(experiment, ""))


@command("sweep status", example="isoflop sweep status study", minutes=True)
def status(
    folder: Annotated[str, Option("a study, under way or finished", "FOLDER")],
) -> Report:
    """Show how far each trial of a study is; a running sweep is not disturbed."""
    from isoflop.store import Study

    trials = standing(Study.open(folder))
    total = sum(s.flop for s in trials)
    share = sum(s.flop * s.done for s in trials) / total if total else 0.0
    counts = {state: sum(s.state == state for s in trials) for state in dict.fromkeys(STATES)}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    rows = tuple((s.name, s.state, f"{s.done:.0%}", s.flop) for s in trials)
    blocks: list[Block] = [
        Paragraph(f"{summary or 'no trials yet'}; {share:.0%} of {show(total)} FLOP is done."),
        Table(("trial", "is", "done", "cost [FLOP]"), rows),
    ]
    data = {
        "folder": folder,
        **counts,
        "share": share,
        "flop": total,
        "trials": [
            {"key": s.key, "name": s.name, "state": s.state, "done": s.done, "flop": s.flop}
            for s in trials
        ],
    }
    return Report(f"Sweep in {folder}", tuple(blocks), data)


# How the runs of an experiment are fitted.
_FITS = {
    "pretrain": "fit {} --law chinchilla",
    "reward": "reward fit {}",
    "rl": "rl fit {}",
    "testtime": "testtime curves {}",
}
