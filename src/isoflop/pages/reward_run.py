"""Small reward models that were over-optimised, and what gold said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.experiments.display import duration
from isoflop.report import Block, Cell, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.engines import Sweep
    from isoflop.runs import Runs


def page_of(folder: str, preset: str, ended: Sweep, runs: Runs) -> Report:
    """Return how a study ended: what was run, and where gold was highest in each run."""
    blocks: tuple[Block, ...] = (
        Paragraph(said(ended)),
        ends(runs),
        Paragraph(
            f"'isoflop reward fit {folder}' fits laws to these curves; 'isoflop reward demo "
            f"{folder} --preset {preset}' says what they show."
        ),
    )
    data = {
        "folder": folder,
        "finished": len(ended.finished),
        "reused": ended.reused,
        "flop": sum(trial.flop for trial in ended.finished),
        "seconds": ended.seconds,
    }
    return Report(f"Over-optimisation in {folder}", blocks, data, answer=said(ended))


def said(ended: Sweep) -> str:
    """Return in a sentence how a sweep ended."""
    return (
        f"{len(ended.finished)} trials are finished ({ended.reused} were before); this call took "
        f"{duration(ended.seconds)}."
    )


def ends(runs: Runs) -> Table:
    """Return where the gold of every run was highest, and where it ended."""
    rows: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(runs.labels["run"].tolist()):
        mine = runs.select(runs.labels["run"] == name)
        best, last = int(mine["R"].argmax()), int(mine["d"].argmax())
        peak, end = ((float(mine["R"][i]), float(mine["d"][i])) for i in (best, last))
        rows.append((str(name), *peak, *end, float(mine["R_proxy"][last])))
    return Table(
        ("run", "R at most", "at d", "R in the end", "at d", "proxy in the end"),
        tuple(rows),
        "R is the gain in gold over the initial policy, in its standard deviations there; the "
        "proxy's is in its own. d is the root of the KL [sqrt(nats)]. A run is named by the "
        "parameters of its proxy, and the pairs that this learned from.",
    )
