"""Studies of recipes: each trained from one start under several seeds, and watched as it rises."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from isoflop.errors import UsageError
from isoflop.experiments.experiment import Experiment, Trial, TrialFolder
from isoflop.experiments.rl.config import RLConfig
from isoflop.experiments.rl.recipe import RLRecipe, alike
from isoflop.store import JSON


class RecipeArm(NamedTuple):
    """A recipe, what it is tried on, and what its runs are labelled as: its own name if None."""

    recipe: RLRecipe
    setting: RLConfig
    family: str | None = None


def recipes_of(path: str | os.PathLike[str]) -> Mapping[str, RLRecipe]:
    """Return the recipe of each family of runs that a study finished; none for another source.

    Families that hold several recipes, as a grid over a setting does not, are left out.
    """
    from isoflop.experiments.collect import KIND
    from isoflop.store import Study

    if not (Path(path) / "study.db").is_file():
        return {}
    recipes: dict[str, set[RLRecipe]] = {}
    for document in Study.open(path).documents(KIND):
        body: Mapping[str, Any] = document.body
        config = body.get("config")
        if body.get("experiment") == Reinforce.key and isinstance(config, Mapping):
            recipes.setdefault(str(config["family"]), set()).add(RLRecipe(**config["recipe"]))
    return {family: several.pop() for family, several in recipes.items() if len(several) == 1}


def doubts(recipes: Mapping[str, RLRecipe]) -> tuple[str, ...]:
    """Return a doubt for each group of recipes that cannot differ but by their seeds."""
    return tuple(
        f"{' and '.join(group)} have the same gradient at {recipes[group[0]].lag} step on each "
        "batch of rollouts, where the ratio is 1: they differ by chance alone; give several steps "
        "with --change lag=4"
        for group in alike(recipes)
    )


@dataclass(frozen=True)
class Reinforce(Experiment):
    """Arms times seeds, one run for each, measured as it goes.

    R is the held-out pass rate, `start` that of the policy which all runs of an arm start from,
    C the compute of sampling and learning without that of the looks.
    """

    key: ClassVar[str] = "rl"
    fills: ClassVar[tuple[str, ...]] = (
        "C",
        "R",
        "start",
        "steps",
        "rollouts",
        "group",
        "truncated",
        "unvaried",
        "entropy",
        "d",
    )
    conventions: ClassVar[Mapping[str, str]] = MappingProxyType({"C": "detailed"})

    arms: Mapping[str, RecipeArm]
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        """Refuse a study without a run, or with an arm that cannot be looked at."""
        if not (self.arms and self.seeds):
            raise UsageError("a study needs at least one recipe and one seed")
        for name, arm in self.arms.items():
            if arm.setting.every % arm.recipe.lag:
                raise UsageError(
                    f"{name} takes {arm.recipe.lag} steps on each batch of rollouts; looks every "
                    f"{arm.setting.every} steps do not fall between them: give a multiple"
                )

    def trials(self) -> tuple[Trial, ...]:
        """Return one trial for each arm and seed."""
        return tuple(
            self._trial(name, arm, seed) for seed in self.seeds for name, arm in self.arms.items()
        )

    def _trial(self, name: str, arm: RecipeArm, seed: int) -> Trial:
        config: dict[str, JSON] = {
            "name": name,
            "family": arm.family or name,
            "recipe": asdict(arm.recipe),
            "setting": arm.setting.describe(),
        }
        flop = arm.setting.flop(arm.recipe)
        return self.trial(config, seed=seed, flop=flop, label=f"{name} seed {seed}")

    @staticmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Train one policy and return its pass rates, one observation for each look."""
        import torch

        from isoflop.experiments.rl.train import train

        config: Mapping[str, Any] = trial.config
        recipe, setting = RLRecipe(**config["recipe"]), RLConfig.described(config["setting"])
        outcome = train(setting, recipe, folder, seed=trial.seed, device=device)
        provenance: dict[str, JSON] = {
            "seconds": outcome.seconds,
            "cpu_seconds": outcome.cpu_seconds,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "params": setting.shape.parameters("total"),
        }
        observations: list[JSON] = [
            {
                "run": f"{config['name']} {trial.seed}",
                "family": config["family"],
                "seed": trial.seed,
                "C": look.flop,
                "R": look.passed,
                "start": outcome.start,
                "steps": look.steps,
                "rollouts": look.rollouts,
                "group": setting.group,
                "truncated": look.cut,
                "unvaried": look.unvaried,
                "entropy": look.entropy,
                "d": max(look.KL, 0.0) ** 0.5,
            }
            for look in outcome.looks
        ]
        return {"observations": observations, "provenance": provenance}
