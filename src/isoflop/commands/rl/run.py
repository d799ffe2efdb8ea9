"""rl run: train small policies by reinforcement learning, and keep their reward curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeOptions:
    """What is trained."""

    preset: Annotated[
        str, Option("tiny, study (two recipes and a ceiling), isocompute, losses")
    ] = "study"
    recipe: Annotated[
        tuple[str, ...], Option("train these in place of the preset's: grpo, cispo, ...", "NAME")
    ] = ()
    change: Annotated[
        Mapping[str, str] | None, Option("fields of the recipes, such as lag=4,low=0.2")
    ] = None
    setting: Annotated[
        Mapping[str, str] | None, Option("what they are tried on, such as group=8,pool=256")
    ] = None
    seeds: Annotated[int | None, Option("runs of each; as many as the preset has unless given")] = (
        None
    )
    seed: Annotated[int, Option("of the first run of each", "SEED")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOptions:
    """Where runs train."""

    workers: Annotated[
        int | None, Option("runs at once; as many as there are cores unless given")
    ] = None
    device: Annotated[str, Option("where a run trains: cpu, cuda:0, mps")] = "cpu"


@command("rl run", example="isoflop rl run rl-study --preset tiny", minutes=True)
def rl_run(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")],
    *,
    recipes: RecipeOptions = RecipeOptions(),
    machine: MachineOptions = MachineOptions(),
) -> Report:
    """Train small policies by reinforcement learning, and keep their curves.

    Recipes are data: GRPO, DAPO, Dr. GRPO, GSPO, CISPO, SAPO, REINFORCE and ScaleRL, or one of
    them with fields changed. Killed anywhere, the same command resumes. The study is RUNS for
    every other command: 'isoflop rl fit FOLDER'.
    """
    from isoflop.experiments.engines import LocalEngine, cores
    from isoflop.experiments.presets import carry_out
    from isoflop.experiments.rl.preset_study import preset_study
    from isoflop.experiments.rl.study import doubts
    from isoflop.pages.rl_run import page_of
    from isoflop.sources import read

    study = preset_study(
        recipes.preset,
        recipes.recipe,
        change=recipes.change,
        setting=recipes.setting,
        seeds=recipes.seeds,
        seed=recipes.seed,
    )
    workers = cores() if machine.workers is None else machine.workers
    engine = LocalEngine(workers, machine.device)
    name = f"rl-{recipes.preset}-{recipes.seed}"
    ended = carry_out(folder, name, study.trials(), engine, "isoflop rl run")
    same = doubts({name: arm.recipe for name, arm in study.arms.items() if arm.family is None})
    return page_of(folder, ended, read(folder), tuple(same))
