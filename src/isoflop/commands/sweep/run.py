"""sweep run: train the models of a study, of a file or of a preset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.sweep import ended_of
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.experiments.design import StudyFile

# How the runs of an experiment are fitted.
_FITS = {
    "pretrain": "fit {} --law chinchilla",
    "reward": "reward fit {}",
    "rl": "rl fit {}",
    "testtime": "testtime curves {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """Where trials run."""

    engine: Annotated[
        str | None, Option("where trials run, over the file's: local:8, ray, slurm:100", "ENGINE")
    ] = None
    device: Annotated[
        str | None, Option("where a trial runs on its machine: cpu, cuda:0, mps", "DEVICE")
    ] = None
    address: Annotated[str | None, Option("of a Ray cluster that is there", "ADDRESS")] = None
    partition: Annotated[str | None, Option("of SLURM", "NAME")] = None

    @property
    def settings(self) -> dict[str, str | None]:
        """What the engine is told, by the names of its options."""
        return {"device": self.device, "address": self.address, "partition": self.partition}


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetOptions:
    """What is trained where no file says it."""

    experiment: Annotated[str | None, Option("what a preset trains: pretrain, rl", "NAME")] = None
    preset: Annotated[str | None, Option("size of a sweep without a file: tiny", "NAME")] = None
    seed: Annotated[int | None, Option("of a preset's models and of their data", "SEED")] = None

    def refuse_beside(self, study: str) -> None:
        """Refuse a preset beside the file of a study."""
        for name in ("experiment", "preset", "seed"):
            if getattr(self, name) is not None:
                raise UsageError(
                    f"--{name} has no effect beside {study}, which says what is trained"
                )


@command("sweep run", example="isoflop sweep run study.toml", minutes=True)
def run_sweep(
    study: Annotated[str, Option("a study's file, or the folder of a preset's runs", "STUDY")],
    *,
    held_out: Annotated[
        bool, Option("train the run that is held out, in place of the rest")
    ] = False,
    engine: EngineChoice = EngineChoice(),
    track: Annotated[
        str | None,
        Option("send trials that ended: wandb[:offline], mlflow[:URI], tensorboard, trackio", "TO"),
    ] = None,
    preset: PresetOptions = PresetOptions(),
) -> Report:
    """Train the models of a study, and keep their runs in its folder.

    Killed anywhere, the same command resumes; a finished trial is never run again. The folder is
    RUNS for every other command, such as 'isoflop fit FOLDER --law chinchilla'.
    """
    if study.endswith(".toml"):
        preset.refuse_beside(study)
        return _of_file(study, held_out, engine, track)
    if held_out:
        raise UsageError("--held-out has no effect on a preset; it goes with a study's file")
    return _of_preset(study, preset, engine, track)


def _of_preset(
    folder: str, preset: PresetOptions, engine: EngineChoice, track: str | None
) -> Report:
    from isoflop.experiments.engines import EngineOptions
    from isoflop.experiments.engines import engine as engine_of
    from isoflop.experiments.presets import carry_out, preset_trials
    from isoflop.experiments.tracking import Tracking

    kind, size, seed = preset.experiment or "pretrain", preset.preset or "tiny", preset.seed or 0
    chosen = engine_of(engine.engine or "local", EngineOptions().overridden(engine.settings))
    trials, sweep = preset_trials(kind, size, seed), f"{kind}-{size}-{seed}"
    tracking = None if track is None else Tracking(track, sweep)
    ended = carry_out(folder, sweep, trials, chosen, "isoflop sweep run", tracking)
    return ended_of(folder, ended, _FITS.get(kind, ""))


def _of_file(path: str, held_out: bool, engine: EngineChoice, track: str | None) -> Report:
    from isoflop.experiments.design import StudyFile, held_out_trial, trials_of
    from isoflop.experiments.design.sweeping import engine_for
    from isoflop.experiments.presets import carry_out

    study = StudyFile.read(path)
    trials = (held_out_trial(study),) if held_out else trials_of(study)
    folder = str(_shown(study.held_out_folder if held_out else study.folder))
    chosen = engine_for(study, engine.engine, engine.settings)
    made_by = f"isoflop sweep run {path}"
    ended = carry_out(folder, study.name, trials, chosen, made_by, study.tracking(track))
    return ended_of(folder, ended, "" if held_out else f"fit {{}} --law {study.law}")


def _shown(path: Path) -> Path:
    """Return a path from where the reader stands, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def folder_of(study: str) -> str:
    """Return the folder of a study's runs: that of its file, or itself."""
    from isoflop.experiments.design import StudyFile

    return str(_shown(StudyFile.read(study).folder)) if study.endswith(".toml") else study


def study_file(path: str) -> StudyFile:
    """Return the study of a file."""
    from isoflop.experiments.design import StudyFile

    return StudyFile.read(path)
