"""backtest: what laws fitted to the smaller runs say of the larger, and whether intervals hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.compare import Along, Cuts, Laws, Level, Objectives, Over, Seed
from isoflop.commands.inputs import Columns, Convention, Derive, RunsOptions, Source, Unit, Where
from isoflop.commands.registry import Option, command
from isoflop.pages.backtest import as_data, by_ratio, forecasts, overall, reached_of
from isoflop.pages.compare import (
    error_by_ratio,
    refusals,
    split,
)
from isoflop.report import Block, Report, note_blocks

if TYPE_CHECKING:
    pass


@command("backtest", example="isoflop backtest sample:tiny --laws chinchilla --draws 50")
def backtest(
    runs: Source,
    *,
    laws: Laws = (),
    objectives: Objectives = (),
    over: Over = None,
    along: Along = (),
    cuts: Cuts = 6,
    draws: Annotated[int, Option("refits of each split, for coverage; 0 for none")] = 200,
    level: Level = 0.9,
    seed: Seed = 0,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
    convention: Convention = None,
    unit: Unit = None,
) -> Report:
    """Fit laws to the smaller runs and hold them against the larger.

    Gives error, bias and the coverage of intervals by how far beyond the fitted runs the others
    lie. 'compare' ranks the laws and says which differences are noise.
    """
    from isoflop import assess
    from isoflop.assess.audit.consistency import doubts
    from isoflop.assess.extrapolation.comparison import candidates

    table = RunsOptions(where, columns, derive, convention, unit)(runs)
    data_doubts = doubts(table)
    test = assess.backtest(
        candidates(table, split(laws) or None, split(objectives) or ("huber",), over),
        table,
        along=split(along) or "C",
        cuts=cuts,
        draws=draws,
        level=level,
        seed=seed,
    )
    reaches = reached_of(test)
    blocks: list[Block] = [
        *note_blocks(data_doubts),
        overall(test),
        by_ratio(reaches, level),
        *refusals(test),
        error_by_ratio(test, list(test.candidates)),
        forecasts(test, table),
    ]
    title = f"Backtest on {len(table):,} runs of {table.origin}"
    return Report(title, tuple(blocks), as_data(test, reaches, data_doubts))
