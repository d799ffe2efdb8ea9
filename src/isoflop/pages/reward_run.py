"""Over-optimise small reward models for real, and keep what gold said of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isoflop.errors import UnknownName, UsageError
from isoflop.pages.sweep import MOST_SEEDS, carry_out
from isoflop.quantities import refuse_count
from isoflop.report import Cell, Table

if TYPE_CHECKING:
    from isoflop.experiments.engines import Sweep
    from isoflop.experiments.reward import Overoptimise
    from isoflop.runs import Runs


def designed(preset: str, seeds: int | None, seed: int) -> Overoptimise:
    """Return the study of a preset, replicated as often as asked for.

    Raises UnknownName, which names the nearest preset, and UsageError for no replication.
    """
    from isoflop.experiments.reward import PRESETS

    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    if seeds is not None:
        refuse_count("--seeds", seeds, 1, MOST_SEEDS)
    study = PRESETS[preset](seed) if seeds is None else PRESETS[preset](seed, seeds)
    return study.sweep


def carried_out(folder: str, study: Overoptimise, name: str, workers: int | None) -> Sweep:
    """Run what is unfinished of a study, with a bar.

    Raises UsageError for a folder that holds the study of another preset: fits of the folder would
    mix the two.
    """
    from isoflop.experiments.engines import LocalEngine, cores

    _refuse_another(folder, name.split("-")[1])
    engine = LocalEngine(cores() if workers is None else workers)
    return carry_out(folder, name, study.trials(), engine, "isoflop reward run")


def _refuse_another(folder: str, preset: str) -> None:
    from isoflop.experiments.standing import KIND
    from isoflop.store import Study

    if not (Path(folder) / "study.db").exists():
        return
    for document in Study.open(folder).documents(KIND):
        of = document.name.split("-")[1]
        if document.name.startswith("reward-") and of != preset:
            raise UsageError(
                f"{folder} holds a study of --preset {of}; go on with that one, or name a new "
                f"folder for --preset {preset}"
            )


def said(ended: Sweep) -> str:
    """Return in a sentence how a sweep ended."""
    from isoflop.experiments.display import duration

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
