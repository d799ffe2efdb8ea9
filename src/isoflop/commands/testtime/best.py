"""testtime best: the best way to use samples at the user's price, budget by budget."""

from __future__ import annotations

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import command
from isoflop.commands.testtime.bank_options import (
    BankOptions,
    BankSource,
    PriceOptions,
    SpendingOptions,
)
from isoflop.pages.testtime_best import page_of
from isoflop.report import Report


@command("testtime best", example="isoflop testtime best sample:bank --draws 100")
def testtime_best(
    bank: BankSource,
    *,
    budgets: SpendingOptions = SpendingOptions(),
    price: PriceOptions = PriceOptions(),
    which: BankOptions = BankOptions(),
    interval: IntervalOptions = IntervalOptions(draws=500),
) -> Report:
    """Say which use of samples is best at each budget.

    Votes, best of k by every verifier, weighted votes and what was run stand beside each other,
    each at its best k within the budget, with its interval and how far the best is ahead of it.
    At prices of a host cost is in dollars.
    """
    from isoflop.plan.sampling.ranking import rank_strategies
    from isoflop.plan.sampling.strategy_runs import as_choices, other_strategies

    source = which.read(bank)
    samples = source.samples()
    spending = budgets.spending(price)
    runs = other_strategies(source, samples.problems)
    others, remarks = as_choices(runs, spending.counted(samples), spending.prices)
    ranking = rank_strategies(
        samples,
        spending=spending,
        others=others,
        interval=interval,
    )
    return page_of(ranking, (*source.notes, *samples.notes, *remarks))
