"""What the commands on over-optimisation take, and how their tables are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from isoflop.commands.registry import Option

if TYPE_CHECKING:
    from isoflop.samples.score_table import ScoreTable

Scores: TypeAlias = Annotated[
    str, Option("scored samples: .csv, .tsv, .jsonl, .parquet, or sample:NAME", "TABLE")
]
Proxy: TypeAlias = Annotated[tuple[str, ...], Option("only these proxies; all of them", "NAME")]
Columns: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("which column is prompt, sample, gold, logprob, proxy_NAME", "PART=COLUMN"),
]
Sizes: TypeAlias = Annotated[
    Mapping[str, str] | None, Option("parameters of proxies, such as small=1.3k", "NAME=PARAMS")
]
Form: TypeAlias = Annotated[
    Literal["bon-reward", "rl-reward", "log1p-reward", "power-decay-reward"] | None,
    Option("take this law; else the one that forecasts larger KL best"),
]
Recalibrate: TypeAlias = Annotated[
    bool, Option("count gold in its standard deviations under the initial policy")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
    """Which scores of a table are read, and on which scale."""

    proxy: Proxy = ()
    columns: Columns = None
    sizes: Sizes = None
    recalibrate: Recalibrate = False

    def read(self, source: str) -> ScoreTable:
        """Return a score table; raises what `read_score_table` raises."""
        from isoflop.assess.reward.reward_input import read_score_table

        return read_score_table(
            source,
            self.proxy,
            columns=self.columns,
            sizes=self.sizes,
            recalibrate=self.recalibrate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """Which evaluations of runs are taken."""

    start: Annotated[
        float | None, Option("of runs: the reward of the initial policy, if no row tells")
    ] = None
    least: Annotated[float, Option("of runs: leave out evaluations below this d")] = 0.0
    where: Annotated[
        str | None, Option("keep the runs that meet this, such as 'C < 1e21'", "CONDITION")
    ] = None
    derive: Annotated[
        tuple[str, ...], Option("make a column from others, such as D=C/6N", "NAME=FORMULA")
    ] = ()
