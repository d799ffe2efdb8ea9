"""How far each trial of a study is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.standing import TrialStatus

MOST_ROWS = 200  # trials that a table lists; the data hold all


def page(folder: str, trials: tuple[TrialStatus, ...], speed: float | None) -> Report:
    """Return what runs, waits, failed and is done, and how long the rest takes at this `speed`."""
    from isoflop.experiments.display import duration
    from isoflop.experiments.standing import STATES

    lost = {"diverged", "cancelled"}
    total = sum(s.flop for s in trials if s.state not in lost)
    done = sum(s.flop * s.done for s in trials if s.state not in lost)
    counts = {state: sum(s.state == state for s in trials) for state in STATES}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    share = done / total if total else 0.0
    text = f"{summary or 'no trials yet'}; {share:.0%} of {show(total)} FLOP is done."
    if speed is not None and share < 1:
        at_once = max(counts["running"], 1)
        remaining = duration((total - done) / speed / at_once)
        text += (
            f" A trial runs at {show(speed)} FLOP/s: about {remaining} to go, {at_once} at a time."
        )
    rows = tuple((s.name, s.state, f"{s.done:.0%}", s.flop) for s in trials[:MOST_ROWS])
    hidden = len(trials) - len(rows)
    caption = f"and {hidden:,} more; --json lists all" if hidden else ""
    notes: list[Block] = [
        Remark(f"{counts[state]} trials {words}; 'isoflop sweep retry' runs them again", "doubt")
        for state, words in (("failed", "failed"), ("diverged", "diverged and are left out"))
        if counts[state]
    ]
    blocks = (*notes, Paragraph(text), Table(("trial", "is", "done", "cost [FLOP]"), rows, caption))
    data = {
        "folder": folder,
        **counts,
        "share": share,
        "flop": total,
        "speed": speed,
        "trials": [
            {"key": s.key, "name": s.name, "state": s.state, "done": s.done, "flop": s.flop}
            for s in trials
        ],
    }
    return Report(f"Sweep in {folder}", blocks, data)
