"""cost: hours, energy and money of FLOP on chips, or what hours of chips amount to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from isoflop.commands import pricing
from isoflop.commands.pricing import CostOptions, spread
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError, texts
from isoflop.pages.cost import work_of
from isoflop.pages.ranges import plain
from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.atlas import Chip, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOptions:
    """The work: FLOP, or parameters and tokens."""

    C: Annotated[float | None, Option("training compute [FLOP]")] = None
    N: Annotated[float | None, Option("parameters that a token meets, where C is 6ND")] = None
    D: Annotated[float | None, Option("training tokens, where C is 6ND")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOptions:
    """How fast the chips are."""

    mfu: pricing.Mfu = None
    hours: Annotated[
        float | None, Option("chip-hours that it took, from which the utilisation follows")
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
    chip: Annotated[str, Option("the accelerator", "CHIP")],
    rate: RateOptions = RateOptions(),
    price: pricing.Price = None,
    chips: Annotated[int, Option("how many work together")] = 1,
    power: LoadOptions = LoadOptions(),
) -> Report:
    """Find the hours, energy and money that training takes on chips.

    Prices and peaks are dated facts with sources; --price states another. With --hours in place
    of --mfu the answer is the utilisation that they amount to.
    """
    from isoflop.accounting import Accelerators, training_cost

    flop = work_of(work.C, work.N, work.D)
    on = CostOptions(price=price).priced_chip(chip)
    share = _share(flop, on, rate.mfu, rate.hours, rate.precision)
    accelerators = Accelerators(
        on,
        chips,
        rate.precision,
        load=spread(power.load, "--load"),
        overhead=spread(power.overhead, "--overhead"),
    )
    bill = training_cost(flop, accelerators, share)
    named = {
        "utilisation": bill.utilisation,
        "chip-hours": bill.hours,
        "days": bill.days,
        "kWh": bill.energy,
        "USD": bill.money,
    }
    rows = [(k, r.low, r.typical, r.high) for k, r in named.items() if r is not None]
    peak = on.flop_per_second(rate.precision)
    blocks: tuple[Block, ...] = (
        *note_blocks(bill.notes),
        Table(
            ("what", "low", "typical", "high"),
            tuple(rows),
            caption=f"{show(flop)} FLOP on {chips:,} x {on.name}.",
        ),
        Paragraph(f"Its {rate.precision} peak is {show(peak, 4)} FLOP/s: {on.source}."),
    )
    data = {"C": flop, "chip": on.key, "chips": chips, "peak": peak} | {
        k: plain(r) for k, r in named.items()
    }
    return Report("What training takes", blocks, {**data, "notes": texts(bill.notes)})


def _share(C: float, on: Chip, mfu: str | None, hours: float | None, precision: str) -> Range:
    """Return the utilisation that was stated, or that hours amount to."""
    from isoflop.accounting import utilisation
    from isoflop.atlas import Range

    if (hours is None) == (mfu is None):
        raise UsageError("give --mfu, the share of the peak, or --hours, from which it follows")
    if hours is not None:
        return Range.of(utilisation(C, on, hours, precision=precision))
    return spread(mfu or "", "--mfu")
