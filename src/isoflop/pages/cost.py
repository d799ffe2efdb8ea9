"""Hours, energy and money of FLOP on chips, or what hours of chips amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import Notes, UsageError, texts
from isoflop.pages.answer import answered, estimate
from isoflop.pages.ranges import plain
from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.accounting import TrainingCost
    from isoflop.atlas import Range
    from isoflop.plan.budget import Budget


def work_of(C: float | None, N: float | None, D: float | None) -> float:
    """Return the FLOP that were stated, as C or as N and D."""
    if C is not None and N is None and D is None:
        return C
    if C is None and N is not None and D is not None:
        return 6 * N * D
    raise UsageError("state the work once: --C, --budget, or --N and --D of C = 6ND")


def site_of(budget: Budget | None, named: str | None, count: int | None) -> tuple[str, int]:
    """Return the chip, and how many work together, of options and of a budget that names them.

    Raises UsageError where they contradict each other, and where no chip is named.
    """
    from isoflop.atlas import chip, chip_names

    if budget is not None and budget.chip and named and chip(named).key != budget.chip:
        raise UsageError(f"the budget is {budget}, and --chip is {named}; name one chip")
    name = named or (budget.chip if budget is not None else None)
    if name is None:
        raise UsageError(f"no chip is named; name it with --chip: {', '.join(chip_names())}")
    at_once = None if budget is None else budget.count
    if at_once is not None and count not in (None, at_once):
        raise UsageError(f"the budget has {at_once:,} chips work at once, and --chips is {count}")
    return name, (at_once or 1) if count is None else count


def page_of(bill: TrainingCost, precision: str, assumed: Notes = ()) -> Report:
    """Return what FLOP take on chips, or what a budget amounts to, with what was `assumed`."""
    named = {
        "utilisation": bill.utilisation,
        "chip-hours": bill.hours,
        "days": bill.days,
        "kWh": bill.energy,
        "USD": bill.money,
    }
    rows = [("FLOP", bill.C)] if not bill.C.exact else []
    rows += [(name, spread) for name, spread in named.items() if spread is not None]
    peak, flop = bill.chip.flop_per_second(precision), bill.C.typical
    blocks: tuple[Block, ...] = (
        *note_blocks((*assumed, *bill.notes)),
        Table(
            ("what", "low", "typical", "high"),
            tuple((name, r.low, r.typical, r.high) for name, r in rows),
            caption=f"{show(flop)} FLOP on {bill.count:,} x {bill.chip.name}.",
        ),
        Paragraph(f"Its {precision} peak is {show(peak, 4)} FLOP/s: {bill.chip.source}."),
    )
    data: dict[str, Any] = {"C": flop, "chip": bill.chip.key, "chips": bill.count, "peak": peak} | {
        name: plain(r) for name, r in named.items()
    }
    data["notes"] = texts((*assumed, *bill.notes))
    return Report("What training takes", blocks, data, answer=answered(_sentence(bill), blocks))


def _sentence(bill: TrainingCost) -> str:
    """Return the hours, days and money of the work, each with its range."""
    taken = [f"{_range(bill.hours)} {bill.chip.key}-hours"]
    taken += [f"{_range(bill.days)} days on {bill.count:,} chips"] if bill.count > 1 else []
    taken += [f"${_range(bill.money)}"] if bill.money is not None else []
    work = f"{_range(bill.C)} FLOP"
    return (
        f"{work} take {', '.join(taken)}" if bill.C.exact else f"{', '.join(taken)} pay for {work}"
    )


def _range(spread: Range) -> str:
    ends = (None, None) if spread.exact else (spread.low, spread.high)
    return estimate(spread.typical, *ends)
