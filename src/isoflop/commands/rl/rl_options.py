"""What the commands on reward curves take, and how their evaluations are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from isoflop.commands.inputs import IntervalOptions, TableOptions
from isoflop.commands.registry import Option
from isoflop.errors import Notes, UsageError
from isoflop.report import Block, Remark, note_blocks

if TYPE_CHECKING:
    from isoflop.assess.reward.curve import RewardCurve
    from isoflop.runs import Runs

Over: TypeAlias = Annotated[
    str | None, Option("the compute: C, hours, rollouts or steps; the first there is", "QUANTITY")
]
Start: TypeAlias = Annotated[
    str | None, Option("R_0, the reward before training; else column start, or fitted", "REWARD")
]
After: TypeAlias = Annotated[
    float | None, Option("leave out evaluations before this compute, such as the first epoch")
]
Range: TypeAlias = Annotated[
    str | None, Option("the range that rewards may have; 0,1 unless given", "LOW,HIGH")
]
Draws: TypeAlias = Annotated[int, Option("refits to resampled evaluations, for bands")]
Level: TypeAlias = Annotated[float, Option("share that an interval holds")]
Seed: TypeAlias = Annotated[int, Option("of the draws", "SEED")]


@dataclass(frozen=True, eq=False)
class RLInput:
    """Evaluations by recipe, over which compute, with R_0 of each; None where it is fitted."""

    over: str
    span: tuple[float, float]
    by_recipe: dict[str, Runs]
    starts: dict[str, float | None]
    notes: Notes

    @property
    def named(self) -> list[Block]:
        """The notes as blocks, and what R_0 of each recipe rests on."""
        fitted = [name for name, start in self.starts.items() if start is None]
        remarks = [
            f"R_0 of {', '.join(fitted)} is fitted with the rest: no column start and no --start; "
            "measured before training, it makes all else surer"
        ]
        return [*note_blocks(self.notes), *(map(Remark, remarks) if fitted else ())]

    def share(self, reward: float, what: str) -> float:
        """Return a reward of the user as a share of the range of rewards."""
        low, high = self.span
        if not low <= reward <= high:
            raise UsageError(f"{what} is {reward:g}; rewards lie between {low:g} and {high:g}")
        return (reward - low) / (high - low)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardOptions:
    """What rewards are of, where they begin, and the range that they may have."""

    over: Over = None
    start: Start = None
    range_: Range = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveOptions(RewardOptions):
    """Which rewards a curve is fitted to."""

    after: After = None


def read(source: str, table_options: TableOptions, rewards: RewardOptions) -> RLInput:
    """Return the evaluations of a source, refused where they make no curve."""
    from isoflop.assess.reward.curve import compute_of, evaluations, recipes, start_of

    over, start, range_ = rewards.over, rewards.start, rewards.range_
    runs = table_options.read(source)
    span = numbers(range_, "--range") if range_ is not None else (0.0, 1.0)
    if len(span) != 2:
        raise UsageError(f"--range is {range_!r}; write it as LOW,HIGH, such as -1,1")
    by = compute_of(runs, over)
    evaluated = evaluations(runs, by, (span[0], span[1]))
    parts = recipes(evaluated)
    logs = RLInput(by, (span[0], span[1]), parts, {}, (*runs.doubts, *evaluated.notes))
    stated = None
    if start is not None:
        stated = logs.share(numbers(start, "--start")[0], "--start")
    logs.starts.update({name: start_of(part, stated) for name, part in parts.items()})
    return logs


def numbers(text: str, what: str) -> tuple[float, ...]:
    """Return the numbers, of any sign, that a text lists between commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{what} is {text!r}; write numbers like 0.3 or -1,1") from None


def fitted(
    read_: RLInput, after: float | None, interval: IntervalOptions
) -> dict[str, RewardCurve]:
    """Return the curve of every recipe."""
    from isoflop.assess.reward.curve import reward_curve

    return {
        name: reward_curve(
            runs,
            read_.over,
            recipe=name,
            start=read_.starts[name],
            after=after or 0.0,
            draws=interval.draws,
            level=interval.level,
            seed=interval.seed,
        )
        for name, runs in read_.by_recipe.items()
    }
