"""A study of a preset, replicated as often as is asked for, and run."""

from __future__ import annotations

from pathlib import Path

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.engines import LocalEngine, Sweep, cores
from isoflop.experiments.presets import MOST_SEEDS, carry_out
from isoflop.experiments.reward import PRESETS, Overoptimise
from isoflop.experiments.standing import KIND
from isoflop.quantities import refuse_count
from isoflop.store import Study


def preset_study(preset: str, seeds: int | None = None, seed: int = 0) -> Overoptimise:
    """Return the study of a preset, replicated as often as asked for.

    Raises UnknownName, which names the nearest preset, and UsageError for no replication.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    if seeds is not None:
        refuse_count("--seeds", seeds, 1, MOST_SEEDS)
    study = PRESETS[preset](seed) if seeds is None else PRESETS[preset](seed, seeds)
    return study.sweep


def run_preset(
    folder: str,
    preset: str,
    *,
    seeds: int | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> tuple[Overoptimise, Sweep]:
    """Run what is unfinished of a preset's study, with a bar, and return both.

    Raises UnknownName and UsageError as `preset_study` does, and UsageError for a folder that
    holds the study of another preset: fits of the folder would mix the two.
    """
    study = preset_study(preset, seeds, seed)
    _refuse_another(folder, preset)
    engine = LocalEngine(cores() if workers is None else workers)
    name = f"reward-{preset}-{seed}"
    return study, carry_out(folder, name, study.trials(), engine, "isoflop reward run")


def _refuse_another(folder: str, preset: str) -> None:
    if not (Path(folder) / "study.db").exists():
        return
    for document in Study.open(folder).documents(KIND):
        of = document.name.split("-")[1]
        if document.name.startswith("reward-") and of != preset:
            raise UsageError(
                f"{folder} holds a study of --preset {of}; go on with that one, or name a new "
                f"folder for --preset {preset}"
            )
