"""testtime best: the best way to use samples at the user's price, budget by budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import (
    BankOptions,
    BankSource,
    PriceOptions,
    prices_of,
)
from isoflop.pages.testtime_best import page_of
from isoflop.quantities import parse
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBudgetOptions:
    """What is spent on a problem."""

    budget: Annotated[tuple[str, ...], Option("a price per problem, such as 1e12", "PRICE")] = ()
    unit: Annotated[
        str | None, Option("count in flop, tokens, seconds, dollars or samples", "UNIT")
    ] = None


@command("testtime best", example="isoflop testtime best sample:bank --draws 100")
def testtime_best(
    bank: BankSource,
    *,
    budgets: PriceBudgetOptions = PriceBudgetOptions(),
    price: PriceOptions = PriceOptions(),
    which: BankOptions = BankOptions(),
    interval: IntervalOptions = IntervalOptions(draws=500),
) -> Report:
    """Say which use of samples is best at each budget.

    Votes, best of k by every verifier, weighted votes and what was run stand beside each other,
    each at its best k within the budget, with its interval and how far the best is ahead of it.
    At prices of a host cost is in dollars.
    """
    from isoflop.plan.sampling.prices import Spending, unit_of
    from isoflop.plan.sampling.ranking import rank_strategies
    from isoflop.plan.sampling.strategy_runs import as_choices, other_strategies

    source = which.read(bank)
    samples = source.samples()
    prices = prices_of(price.price_in, price.price_out)
    counted = unit_of(samples, budgets.unit, prices)
    others, remarks = as_choices(other_strategies(source, samples.problems), counted, prices)
    limits = [parse(text, "--budget") for text in budgets.budget] or None
    ranking = rank_strategies(
        samples,
        spending=Spending(unit=counted, prices=prices, budgets=limits),
        others=others,
        interval=interval,
    )
    return page_of(ranking, (*source.notes, *samples.notes, *remarks))
