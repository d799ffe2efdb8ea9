"""testtime policy: which way of using samples is best for which problems, and what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import (
    BankSource,
    Fields,
    Level,
    Lineage,
    PriceIn,
    PriceOut,
    Seed,
    Strategy,
    prices_of,
)
from isoflop.pages.testtime_policy import others_of, report
from isoflop.pages.testtime_strategies import beside
from isoflop.quantities import parse
from isoflop.report import Report
from isoflop.sources.open_samples import opened
from isoflop.terminal import say

if TYPE_CHECKING:
    pass


@command("testtime policy", example="isoflop testtime policy sample:bank --draws 100")
def testtime_policy(
    bank: BankSource,
    *,
    by: Annotated[
        Literal["score", "agreement", "oracle"],
        Option("what difficulty is read from: a verifier, the votes, or right answers"),
    ] = "score",
    bins: Annotated[int, Option("bins of difficulty", least=1, most=100)] = 5,
    estimate: Annotated[int | None, Option("samples that difficulty is read from")] = None,
    budget: Annotated[tuple[str, ...], Option("a price per problem, such as 1e12", "PRICE")] = (),
    unit: Annotated[
        str | None, Option("count in flop, tokens, seconds, dollars or samples", "UNIT")
    ] = None,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    baseline: Annotated[str | None, Option("compare with this, such as majority", "NAME")] = None,
    out: Annotated[str | None, Option("write the router, as JSON", "FILE")] = None,
    strategy: Strategy = None,
    lineage: Lineage = None,
    columns: Fields = None,
    draws: Annotated[int, Option("draws of problems behind intervals")] = 500,
    level: Level = 0.9,
    seed: Seed = 0,
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

    source = opened(bank, strategy, lineage, columns)
    samples = source.samples()
    prices = prices_of(price_in, price_out)
    counted = unit_of(samples, unit, prices)
    others, remarks = others_of(beside(source, samples.problems), counted, prices)
    budgets = [parse(text, "--budget") for text in budget] or None
    result = policy(
        samples,
        by=by,
        bins=bins,
        estimate=estimate,
        budgets=budgets,
        baseline=baseline,
        unit=counted,
        prices=prices,
        others=others,
        draws=draws,
        level=level,
        seed=seed,
    )
    if out:
        result.router.save(out)
        say(f"wrote {out}")
    return report(result, (*source.notes, *samples.notes, *remarks), out)
