"""testtime policy: which way of using samples is best for which problems, and what it saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import (
    BankOptions,
    BankSource,
    PriceOptions,
    prices_of,
)
from isoflop.pages.testtime_policy import others_of, report
from isoflop.pages.testtime_strategies import beside
from isoflop.quantities import parse
from isoflop.report import Report
from isoflop.terminal import say

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class DifficultyOptions:
    """How problems are sorted by difficulty."""

    by: Annotated[
        Literal["score", "agreement", "oracle"],
        Option("what difficulty is read from: a verifier, the votes, or right answers"),
    ] = "score"
    bins: Annotated[int, Option("bins of difficulty", least=1, most=100)] = 5
    estimate: Annotated[int | None, Option("samples that difficulty is read from")] = None


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
    from isoflop.plan.sampling.policy import policy
    from isoflop.plan.sampling.prices import unit_of

    source = which.read(bank)
    samples = source.samples()
    prices = prices_of(price.price_in, price.price_out)
    counted = unit_of(samples, budgets.unit, prices)
    others, remarks = others_of(beside(source, samples.problems), counted, prices)
    prices_paid = [parse(text, "--budget") for text in budgets.budget] or None
    result = policy(
        samples,
        by=sorting.by,
        bins=sorting.bins,
        estimate=sorting.estimate,
        budgets=prices_paid,
        baseline=budgets.baseline,
        unit=counted,
        prices=prices,
        others=others,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    if out:
        result.router.save(out)
        say(f"wrote {out}")
    return report(result, (*source.notes, *samples.notes, *remarks), out)
