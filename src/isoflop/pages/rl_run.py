"""Small policies that were trained by reinforcement learning, and where their curves ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.pages.answer import answered
from isoflop.report import Block, Cell, Paragraph, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.engines import Sweep
    from isoflop.runs import Runs


def page_of(folder: str, ended: Sweep, runs: Runs, doubts: tuple[str, ...]) -> Report:
    """Return how a study ended: what was trained, and where each run began and ended."""
    sentence = said_of(len(ended.finished), ended.reused, ended.seconds)
    hint = f"'isoflop rl fit {folder}' fits their curves, 'isoflop rl compare {folder}' compares."
    notes = [Remark(text, "doubt") for text in doubts]
    blocks: list[Block] = [Paragraph(sentence), *notes, ends(runs), Paragraph(hint)]
    data = {
        "folder": folder,
        "finished": len(ended.finished),
        "reused": ended.reused,
        "flop": sum(trial.flop for trial in ended.finished),
        "seconds": ended.seconds,
    }
    answer = answered(sentence.rstrip("."), notes)
    return Report(f"Reinforcement learning in {folder}", tuple(blocks), data, answer=answer)


def said_of(finished: int, reused: int, seconds: float) -> str:
    """Return in a sentence how a sweep ended."""
    from isoflop.experiments.display import duration

    return (
        f"{finished} runs are finished ({reused} were before); this call took {duration(seconds)}."
    )


def ends(runs: Runs) -> Table:
    """Return where every run began and ended."""
    rows: list[tuple[Cell, ...]] = []
    for name in sorted(set(runs.labels["run"].tolist())):
        mine = runs.select(runs.labels["run"] == name)
        last = int(mine["C"].argmax())
        row = (float(mine[s][last]) for s in ("start", "R", "C", "entropy", "unvaried"))
        rows.append((str(name), *row))
    return Table(
        (
            "run",
            "R_0",
            "R",
            "C [FLOP]",
            "entropy",
            "unvaried",
        ),
        tuple(rows),
        "The last look of each run: pass rates on held-out problems, entropy in nats/token, and "
        "the share of groups that taught nothing.",
    )
