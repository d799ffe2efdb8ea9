"""Evaluations of reinforcement learning by recipe, ready for curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.assess.reward.curve import (
    RewardCurve,
    compute_of,
    evaluations,
    recipes,
    reward_curve,
    start_of,
)
from isoflop.errors import Note, Notes, UsageError
from isoflop.report.display import Displayed
from isoflop.runs import Runs


@dataclass(frozen=True, eq=False)
class RewardLogs(Displayed):
    """Evaluations by recipe, over which compute, with R_0 of each; None where it is fitted.

    Rewards are shares of `span`, the range that they may have.
    """

    over: str
    span: tuple[float, float]
    by_recipe: Mapping[str, Runs]
    starts: Mapping[str, float | None]
    notes: Notes

    @property
    def fitted_starts(self) -> tuple[str, ...]:
        """The recipes whose R_0 nobody measured."""
        return tuple(name for name, start in self.starts.items() if start is None)

    @property
    def start_notes(self) -> Notes:
        """What R_0 rests on where nobody measured it."""
        if not self.fitted_starts:
            return ()
        text = (
            f"R_0 of {', '.join(self.fitted_starts)} is fitted with the rest: no column start and "
            "no --start; measured before training, it makes all else surer"
        )
        return (Note("info", "start", text),)

    @property
    def by_run(self) -> tuple[tuple[str, str, Runs], ...]:
        """Every run: its name, its recipe and its evaluations."""
        out = []
        for recipe, runs in self.by_recipe.items():
            if "run" not in runs.labels:
                out.append((recipe, recipe, runs))
                continue
            for name in dict.fromkeys(runs.groups("run").tolist()):
                out.append((str(name), recipe, runs.select(runs.labels["run"] == name)))
        return tuple(out)

    def of(self, names: tuple[str, ...]) -> RewardLogs:
        """Return the evaluations of some of the recipes."""
        parts = {name: self.by_recipe[name] for name in names}
        starts = {name: self.starts[name] for name in names}
        return RewardLogs(self.over, self.span, parts, starts, self.notes)

    def share(self, reward: float, what: str) -> float:
        """Return a reward of the user as a share of the range of rewards."""
        return _share(reward, self.span, what)

    def curves(
        self, *, after: float = 0.0, draws: int = 400, level: float = 0.9, seed: int = 0
    ) -> dict[str, RewardCurve]:
        """Return the curve of every recipe; see `reward_curve`."""
        return {
            name: reward_curve(
                runs,
                self.over,
                recipe=name,
                start=self.starts[name],
                after=after,
                draws=draws,
                level=level,
                seed=seed,
            )
            for name, runs in self.by_recipe.items()
        }


def reward_logs(
    runs: Runs,
    over: str | None = None,
    *,
    start: float | None = None,
    span: tuple[float, float] = (0.0, 1.0),
) -> RewardLogs:
    """Return the evaluations of runs by recipe, refused where they make no curve.

    `over` is the compute, the first that there is unless given, and `start` the reward before
    training, in the unit of the rewards; else the column `start`, else it is fitted.

    Raises UsageError for a start outside of the range, and what `evaluations` raises.
    """
    compute = compute_of(runs, over)
    evaluated = evaluations(runs, compute, span)
    parts = recipes(evaluated)
    stated = None if start is None else _share(start, span, "--start")
    starts = {name: start_of(part, stated) for name, part in parts.items()}
    return RewardLogs(compute, span, parts, starts, (*runs.doubts, *evaluated.notes))


def _share(reward: float, span: tuple[float, float], what: str) -> float:
    low, high = span
    if not low <= reward <= high:
        raise UsageError(f"{what} is {reward:g}; rewards lie between {low:g} and {high:g}")
    return (reward - low) / (high - low)
