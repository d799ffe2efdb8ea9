"""testtime fit: laws of coverage, which of them forecasts best here, and a forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import (
    BankOptions,
    BankSource,
)
from isoflop.errors import RefusedByData, UsageError
from isoflop.pages.testtime_fit import bend_of, report, tested_of, with_error
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.assess.coverage.extrapolation import CoverageFit

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
    from isoflop.assess.coverage.curvature import bend
    from isoflop.assess.coverage.extrapolation import WAYS, by_reason, fit_coverage
    from isoflop.assess.coverage.extrapolation import way as named
    from isoflop.samples.curves import coverage_curve

    if to is not None and to < 1:
        raise UsageError(f"--to is {to:g}; coverage begins at one sample")
    if to is not None and to > FARTHEST:
        raise UsageError(f"--to is {to:g}; forecasts reach {FARTHEST:g} samples a problem at most")
    source = which.read(bank)
    counts = source.counts()
    ways = [named(name) for name in way] or list(WAYS)
    tested = tested_of(counts, ways, repeats, interval.seed)
    order = ways if isinstance(tested, str) else list(tested.order)
    fits: list[CoverageFit] = []
    refused = {} if isinstance(tested, str) else dict(tested.refused)
    for one in order:
        try:
            fits.append(
                fit_coverage(
                    counts, one, draws=interval.draws, level=interval.level, seed=interval.seed
                )
            )
        except RefusedByData as reason:
            refused[one.name] = str(reason)
    if not fits:
        raise RefusedByData("; ".join(by_reason(refused)))
    fits = [with_error(f, tested) for f in fits]
    curve = coverage_curve(counts, draws=interval.draws, level=interval.level, seed=interval.seed)
    return report(
        counts=counts,
        fits=fits,
        tested=tested,
        refused=refused,
        bent=bend_of(bend, counts, interval.level, interval.seed),
        curve=curve,
        to=to,
        notes=(*source.notes, *counts.notes),
    )
