"""Budgets as people have them: "2000 GPU-hours", "$50k", "3 weeks on 64 H100", "100 PF-days"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from isoflop.accounting.cost import MOST_CHIPS
from isoflop.atlas import chip, reported_utilisation
from isoflop.errors import UnknownName, UsageError, brief
from isoflop.plan.cost import Cost, priced
from isoflop.quantities import HOURS, flop_of, parse, refuse_count, show, split_amount

BudgetUnit = Literal["FLOP", "USD", "kWh", "chip-hours"]

EXAMPLES = '"1e22 FLOP", "100 PF-days", "2000 GPU-hours", "3 weeks on 64 H100", "$50k", "5 MWh"'

_ENERGY = {"kwh": 1.0, "mwh": 1e3, "gwh": 1e6}
_DOLLARS = {"usd", "dollar", "dollars", "$"}
_OTHER_MONEY = re.compile(
    r"[€£¥₹]|\b(eur|euros?|gbp|pounds?|chf|francs?|jpy|yen|cny|rmb|inr|cad)\b"
)
_ANY_CHIP = {"gpu", "gpus", "chip", "chips", "accelerator", "accelerators", "tpu", "tpus"}
_TIME = r"(?P<time>hour|day|week|month|year)s?"
_CHIP_TIME = re.compile(rf"(?P<chip>\w[\w.\s-]*?)[\s-]+{_TIME}", re.IGNORECASE)
_TIME_ON = re.compile(
    rf"{_TIME}\s+(?:on|of|with)\s+(?P<count>[\d,]+)?\s*[x×]?\s*(?P<chip>.+)", re.IGNORECASE
)
_CHIPS_FOR = re.compile(
    rf"[x×]?\s*(?P<chip>.+?)\s+for\s+(?P<long>[\d.,]+)\s+{_TIME}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent: `amount` in `unit`; `chip` and `count` where the budget names them."""

    amount: float
    unit: BudgetUnit
    chip: str | None = None
    count: int | None = None

    def __str__(self) -> str:
        if self.unit == "USD":
            return f"${self.amount:,.0f}" if self.amount >= 1 else f"${self.amount:g}"
        hours = f"{self.chip}-hours" if self.chip else "chip-hours"
        size = show(self.amount, 4) if self.unit == "FLOP" else f"{self.amount:,.12g}"
        return f"{size} {hours if self.unit == 'chip-hours' else self.unit}"

    @property
    def days(self) -> float | None:
        """The days by the clock, where the budget says how many chips work at once."""
        return None if self.count is None else self.amount / self.count / 24.0


def in_cost(budget: str, cost: Cost | None) -> tuple[float | None, float | None, Cost | None]:
    """Return C [FLOP], or the amount in the unit of the cost, and the cost, of a budget in words.

    A budget of chip-hours that names its chip brings a cost at the utilisations that large runs
    have reported, where no cost is given.
    Raises UsageError for a budget in another unit than the cost, and what `parse_budget` raises.
    """
    spendable = parse_budget(budget)
    if spendable.unit == "FLOP":
        return spendable.amount, None, cost
    if cost is None and spendable.chip is not None:
        cost = priced("chip-hours", spendable.chip, reported_utilisation())
    unit = "FLOP" if cost is None else cost.unit
    if unit != spendable.unit:
        raise UsageError(
            f"the budget is {spendable}, and the cost is counted in {unit}; price it: "
            f"cost=iso.plan.priced({spendable.unit!r}, 'H100', 0.4)"
        )
    return None, spendable.amount, cost


def training_flop(budget: float | str, cost: Cost | None = None) -> float:
    """Return the training FLOP that a budget pays for: a number of them, or words.

    Words in another unit than FLOP are turned by the price of training in `cost`, or, where they
    name a chip, at the utilisations that large runs have reported.
    Raises what `in_cost` raises.

    >>> training_flop("100 PF-days")
    8.64e+21
    """
    if not isinstance(budget, str):
        return budget
    C, amount, priced_at = in_cost(budget, cost)
    if C is not None or amount is None or priced_at is None:
        return C or 0.0
    return amount / priced_at.training


def parse_budget(text: str, what: str = "the budget") -> Budget:
    """Return the budget that text writes, in its own unit; nothing is guessed.

    Raises UsageError for an amount without a unit, a unit that is none, another currency and
    nothing to spend; UnknownName for a chip that is unknown, with the list of chips.

    >>> parse_budget("100 PF-days")
    Budget(amount=8.64e+21, unit='FLOP', chip=None, count=None)
    >>> parse_budget("3 weeks on 64 H100")
    Budget(amount=32256.0, unit='chip-hours', chip='H100', count=64)
    """
    words = text.strip()
    if money := _OTHER_MONEY.search(words.lower()):
        raise UsageError(
            f"{what} {brief(text)} is in {money.group()}; prices are in USD: convert it at a rate "
            'that you trust, and write it like "$50k"'
        )
    dollars = words.startswith("$")
    signed = words.lstrip("$ ").startswith(("-", "+"))
    split = None if signed else split_amount(words.lstrip("$ "), what)
    if split is None:
        _refuse(text, what, "is no amount with a unit")
    amount, unit = split
    if dollars:
        if unit and unit.lower() not in _DOLLARS:
            _refuse(text, what, "names two units")
        return Budget(amount, "USD")
    if not unit:
        _refuse(text, what, "has no unit")
    for read in (_money, _flop, _energy, _time_on_chips, _chips_for, _chip_time):
        if (budget := read(amount, unit)) is not None:
            return budget
    _refuse(text, what, f"is in {brief(unit)}, which is no unit of a budget")


def _refuse(text: str, what: str, why: str) -> NoReturn:
    raise UsageError(f"{what} {brief(text)} {why}; write it like {EXAMPLES}")


def _money(amount: float, unit: str) -> Budget | None:
    return Budget(amount, "USD") if unit.lower() in _DOLLARS else None


def _flop(amount: float, unit: str) -> Budget | None:
    flop = flop_of(amount, unit)
    return None if flop is None else Budget(flop, "FLOP")


def _energy(amount: float, unit: str) -> Budget | None:
    scale = _ENERGY.get(unit.lower())
    return None if scale is None else Budget(amount * scale, "kWh")


def _time_on_chips(amount: float, unit: str) -> Budget | None:
    """Return chip-hours of "weeks on 64 H100"."""
    match = _TIME_ON.fullmatch(unit)
    if match is None:
        return None
    count = (match["count"] or "1").replace(",", "")
    return _on_chips(float(count), match["chip"], amount * HOURS[match["time"].lower()])


def _chips_for(amount: float, unit: str) -> Budget | None:
    """Return chip-hours of "H100 for 3 weeks", of which there are `amount`."""
    match = _CHIPS_FOR.fullmatch(unit)
    if match is None:
        return None
    hours = parse(match["long"], "the time of the budget") * HOURS[match["time"].lower()]
    return _on_chips(amount, match["chip"], hours)


def _on_chips(count: float, name: str, hours: float) -> Budget:
    """Return the chip-hours of `count` chips that work for `hours` [hours]."""
    refuse_count("the number of chips in the budget", count, 1, MOST_CHIPS)
    return Budget(hours * count, "chip-hours", _chip(name), int(count))


def _chip_time(amount: float, unit: str) -> Budget | None:
    """Return chip-hours of "GPU-hours" or "H100-days"."""
    match = _CHIP_TIME.fullmatch(unit)
    if match is None:
        return None
    return Budget(amount * HOURS[match["time"].lower()], "chip-hours", _chip(match["chip"]))


def _chip(name: str) -> str | None:
    """Return the key of a chip that is named, in the singular or the plural; None for any."""
    if name.strip().lower() in _ANY_CHIP:
        return None
    words = re.sub(r"\s+(gpu|chip|accelerator)s?$", "", name.strip(), flags=re.IGNORECASE)
    try:
        return chip(words).key
    except UnknownName:
        if not words.endswith("s"):
            raise
        return chip(words[:-1]).key
