"""backtest: what laws fitted to the smaller runs say of the larger, and whether intervals hold."""

from __future__ import annotations

from isoflop.commands.compare import BacktestOptions
from isoflop.commands.inputs import OptionalIntervals, RunsOptions, Source, split
from isoflop.commands.registry import command
from isoflop.pages.backtest import page_of
from isoflop.pages.progress import progress
from isoflop.report import Report


@command(
    "backtest",
    section="Laws, and how far they hold",
    example="isoflop backtest sample:tiny --laws chinchilla --draws 50",
)
def backtest(
    runs: Source,
    *,
    extrapolation: BacktestOptions = BacktestOptions(),
    interval: OptionalIntervals = OptionalIntervals(draws=200),
    table_options: RunsOptions = RunsOptions(),
) -> Report:
    """Fit laws to the smaller runs and hold them against the larger.

    Gives error, bias and the coverage of intervals by how far beyond the fitted runs the others
    lie. 'compare' ranks the laws and says which differences are noise.
    """
    from isoflop import assess
    from isoflop.assess.extrapolation.candidates import candidates

    table = table_options.read(runs)
    with progress(f"testing laws on {len(table):,} runs") as watch:
        test = assess.backtest(
            candidates(
                table,
                split(extrapolation.laws) or None,
                split(extrapolation.objectives) or ("huber",),
                extrapolation.over,
            ),
            table,
            axis=split(extrapolation.axis) or None,
            cuts=extrapolation.cuts,
            draws=interval.draws,
            level=interval.level,
            seed=interval.seed,
            watch=watch,
        )
    return page_of(test)
