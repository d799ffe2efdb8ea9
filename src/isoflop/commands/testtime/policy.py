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
    SpendingOptions,
)
from isoflop.plan.sampling.difficulty import DifficultyOptions
from isoflop.report import Report
from isoflop.terminal import say


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions(SpendingOptions):
    """What is spent, and what it is compared with."""

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
    from isoflop.plan.sampling.strategy_runs import as_choices, other_strategies

    source = which.read(bank)
    samples = source.samples()
    spending = budgets.spending(price)
    runs = other_strategies(source, samples.problems)
    others, remarks = as_choices(runs, spending.counted(samples), spending.prices)
    result = policy(
        samples,
        budgets.baseline,
        sorting=sorting,
        spending=spending,
        others=others,
        interval=interval,
    )
    if out:
        result.router.save(out)
        say(f"wrote {out}")
    return page_of(result, (*source.notes, *samples.notes, *remarks), out)
