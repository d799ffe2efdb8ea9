"""What small policies show: the end of each recipe forecast from its first half, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.assess.reward.logs import RewardLogs, reward_logs
from isoflop.errors import RefusedByData
from isoflop.experiments.engines import LocalEngine
from isoflop.experiments.presets import carry_out
from isoflop.experiments.rl.preset_study import preset_study
from isoflop.monitor.reward_curves import (
    RecipeComparison,
    RecipeForecast,
    compare_reward_curves,
    forecast_recipe,
)
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.sources import read

LEVEL, DRAWS = 0.9, 200


@dataclass(frozen=True, eq=False)
class ReinforcementStudy(Displayed):
    """A study in `folder`: forecasts by recipe, why others have none, and the first two compared.

    `comparison` is None for a study of one recipe.
    """

    folder: str
    runs: Runs
    logs: RewardLogs
    forecasts: tuple[RecipeForecast, ...]
    refused: Mapping[str, RefusedByData]
    comparison: RecipeComparison | None


def reinforcement(
    folder: str = "rl-demo", *, preset: str = "study", seed: int = 0
) -> ReinforcementStudy:
    """Train the policies of a preset, and forecast each recipe from its first half.

    Killed anywhere, the same call resumes. Raises UnknownName for a preset that there is not,
    EnvironmentFailure if a run fails twice.
    """
    study = preset_study(preset, seed=seed)
    carry_out(folder, f"rl-{preset}-{seed}", study.trials(), LocalEngine(), "isoflop rl run")
    runs = read(folder)
    logs = reward_logs(runs, "C")
    names = [name for name in study.arms if name in logs.by_recipe]
    forecasts, refused = [], {}
    for name in names:
        try:
            forecasts.append(forecast_recipe(logs, name, level=LEVEL, seed=seed))
        except RefusedByData as reason:
            refused[name] = reason
    comparison = None
    if len(names) > 1:
        two = logs.of((names[0], names[1]))
        comparison = compare_reward_curves(two, draws=DRAWS, level=LEVEL, seed=seed)
    return ReinforcementStudy(folder, runs, logs, tuple(forecasts), refused, comparison)
