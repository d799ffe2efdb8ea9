"""testtime fit: laws of coverage, which of them forecasts best here, and a forecast."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import BankOptions, BankSource
from isoflop.errors import UsageError
from isoflop.report import Report

FARTHEST = 1e12  # samples a problem, beyond which no forecast is of use


@command("testtime fit", example="isoflop testtime fit sample:bank --to 1000 --draws 50")
def testtime_fit(
    bank: BankSource,
    *,
    to: Annotated[float | None, Option("forecast coverage at this many samples")] = None,
    way: Annotated[tuple[str, ...], Option("of these ways alone, such as log-log", "NAME")] = (),
    repeats: Annotated[int, Option("thinnings of the bank in the backtest", least=1, most=100)] = 4,
    which: BankOptions = BankOptions(),
    interval: IntervalOptions = IntervalOptions(draws=200),
) -> Report:
    """Fit coverage over samples and forecast it beyond the bank.

    Six ways are fitted to a part of the samples and held against all of them; none is best
    everywhere. The forecast is of the way that did best here. Its interval is of the same
    problems, tried more often, and holds the error that the way made. Says where coverage is no
    power law.
    """
    from isoflop.assess.coverage.coverage_fits import fit_ways
    from isoflop.pages.testtime_fit import page_of

    if to is not None and to < 1:
        raise UsageError(f"--to is {to:g}; coverage begins at one sample")
    if to is not None and to > FARTHEST:
        raise UsageError(f"--to is {to:g}; forecasts reach {FARTHEST:g} samples a problem at most")
    source = which.read(bank)
    counts = source.counts()
    fits = fit_ways(
        counts,
        way,
        repeats=repeats,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(fits, to, (*source.notes, *counts.notes))
