"""cost: hours, energy and money of FLOP on chips, or what hours of chips amount to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from isoflop.commands import pricing
from isoflop.commands.pricing import CostOptions, spread, utilisation_of
from isoflop.commands.registry import Option, command
from isoflop.errors import Notes, UsageError
from isoflop.pages.cost import page_of, site_of, work_of
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.atlas import Chip, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOptions:
    """The work: FLOP, parameters and tokens, or what a budget pays for."""

    C: Annotated[float | None, Option("training compute [FLOP]")] = None
    N: Annotated[float | None, Option("parameters that a token meets, where C is 6ND")] = None
    D: Annotated[float | None, Option("training tokens, where C is 6ND")] = None
    budget: Annotated[
        str | None,
        Option(
            'what is spent, to see what it amounts to: "3 weeks on 64 H100", "$50k", "5 MWh"',
            "BUDGET",
            excludes=("C", "N", "D"),
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOptions:
    """How fast the chips are."""

    mfu: pricing.Mfu = None
    hours: Annotated[
        float | None,
        Option("chip-hours that it took, from which the utilisation follows", excludes=("budget",)),
    ] = None
    precision: pricing.Precision = "bf16"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What power is drawn."""

    load: Annotated[str, Option("power drawn over the rated power", "RANGE")] = "1"
    overhead: Annotated[str, Option("power of the site over that of the chips", "RANGE")] = "1"


@command(
    "cost",
    section="Plans",
    example="isoflop cost --C 3.8e25 --chip H100 --mfu 0.35,0.41 --chips 16384",
)
def cost(
    *,
    work: WorkOptions = WorkOptions(),
    chip: Annotated[
        str | None, Option("the accelerator, unless the budget names it", "CHIP")
    ] = None,
    rate: RateOptions = RateOptions(),
    price: pricing.Price = None,
    chips: Annotated[int | None, Option("how many work together; 1 unless the budget says")] = None,
    power: LoadOptions = LoadOptions(),
) -> Report:
    """Find what training takes on chips, or what a budget amounts to.

    Hours, energy and money of FLOP, or the FLOP that a budget in any of them pays for.

    Prices and peaks are dated facts with sources; --price states another. With --hours in place
    of --mfu the answer is the utilisation that they amount to.
    """
    from isoflop.accounting import Accelerators, training_cost
    from isoflop.plan.budget import parse_budget
    from isoflop.plan.worth import budget_worth

    budget = None if work.budget is None else parse_budget(work.budget)
    name, count = site_of(budget, chip, chips)
    on = CostOptions(price=price).priced_chip(name)
    accelerators = Accelerators(
        on,
        count,
        rate.precision,
        load=spread(power.load, "--load"),
        overhead=spread(power.overhead, "--overhead"),
    )
    assumed: Notes = ()
    if budget is None:
        flop = work_of(work.C, work.N, work.D)
        share = _share(flop, on, rate.mfu, rate.hours, rate.precision)
        bill = training_cost(flop, accelerators, share)
    else:
        share, assumed = utilisation_of(rate.mfu)
        bill = budget_worth(budget, accelerators, share)
    return page_of(bill, rate.precision, assumed)


def _share(C: float, on: Chip, mfu: str | None, hours: float | None, precision: str) -> Range:
    """Return the utilisation that was stated, or that hours amount to."""
    from isoflop.accounting import utilisation
    from isoflop.atlas import Range

    if (hours is None) == (mfu is None):
        raise UsageError("give --mfu, the share of the peak, or --hours, from which it follows")
    if hours is not None:
        return Range.of(utilisation(C, on, hours, precision=precision))
    return spread(mfu or "", "--mfu")
