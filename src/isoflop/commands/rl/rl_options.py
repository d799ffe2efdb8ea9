"""What the commands on reward curves take, and how their evaluations are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from isoflop.commands.inputs import TableOptions
from isoflop.commands.registry import Option
from isoflop.errors import UsageError

if TYPE_CHECKING:
    from isoflop.assess.reward.logs import RewardLogs

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
Level: TypeAlias = Annotated[float, Option("share that an interval holds")]
Seed: TypeAlias = Annotated[int, Option("of the draws", "SEED")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardOptions:
    """What rewards are of, where they begin, and the range that they may have."""

    over: Over = None
    start: Start = None
    range_: Range = None

    def read(self, source: str, table_options: TableOptions) -> RewardLogs:
        """Return the evaluations of a source; raises what `isoflop.assess.reward` raises."""
        from isoflop.assess.reward.logs import reward_logs

        span = (0.0, 1.0) if self.range_ is None else numbers(self.range_, "--range")
        if len(span) != 2:
            raise UsageError(f"--range is {self.range_!r}; write it as LOW,HIGH, such as -1,1")
        start = None if self.start is None else numbers(self.start, "--start")[0]
        runs = table_options.read(source)
        return reward_logs(runs, self.over, start=start, span=(span[0], span[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveOptions(RewardOptions):
    """Which rewards a curve is fitted to."""

    after: After = None


def numbers(text: str, what: str) -> tuple[float, ...]:
    """Return the numbers, of any sign, that a text lists between commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{what} is {text!r}; write numbers like 0.3 or -1,1") from None
