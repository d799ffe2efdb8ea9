"""testtime policy: which way of using samples is best for which problems, and what it saves."""

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
from isoflop.plan.sampling.difficulty import DifficultyOptions
from isoflop.quantities import parse
from isoflop.report import Report
from isoflop.terminal import say


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """What is spent, and what it is compared with."""

    budget: Annotated[tuple[str, ...], Option("a price per problem, such as 1e12", "PRICE")] = ()
    unit: Annotated[
        str | None, Option("count in flop, tokens, seconds, dollars or samples", "UNIT")
    ] = None
    baseline: Annotated[str | None, Option("compare with this, such as majority", "NAME")] = None


@command("testtime policy", example="isoflop testtime policy sample:bank --draws 100")
def testtime_policy(
    bank: BankSource,
    *,
    sorting: DifficultyOptions = DifficultyOptions(),
    budgets: BudgetOptions = BudgetOptions(),
    price: PriceOptions = PriceOptions(),
    out: Annotated[str | None, Option("write the router, as JSON", "FILE")] = None,
    which: BankOptions = BankOptions(),
    interval: IntervalOptions = IntervalOptions(draws=500),
) -> Report:
    """Choose how to spend compute on problems by their difficulty.

    Problems are binned by what a few samples show of them, and the price of those is charged.
    In each bin and for each budget one half of the problems chooses among votes, best of k and
    the strategies in the bank, and the other half is scored. Compared with best of k at equal
    compute. The router applies the policy to new problems. At prices of a host cost is in dollars:
    one request for the samples of a problem, which pays for its prompt once.
    """
    from isoflop.pages.testtime_policy import page_of
    from isoflop.plan.sampling.policy import policy
    from isoflop.plan.sampling.prices import Spending, unit_of
    from isoflop.plan.sampling.strategy_runs import as_choices, other_strategies

    source = which.read(bank)
    samples = source.samples()
    prices = prices_of(price.price_in, price.price_out)
    counted = unit_of(samples, budgets.unit, prices)
    others, remarks = as_choices(other_strategies(source, samples.problems), counted, prices)
    limits = [parse(text, "--budget") for text in budgets.budget] or None
    result = policy(
        samples,
        budgets.baseline,
        sorting=sorting,
        spending=Spending(unit=counted, prices=prices, budgets=limits),
        others=others,
        interval=interval,
    )
    if out:
        result.router.save(out)
        say(f"wrote {out}")
    return page_of(result, (*source.notes, *samples.notes, *remarks), out)
