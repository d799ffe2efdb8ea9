"""What a budget amounts to on chips: FLOP, hours, energy and money."""

from __future__ import annotations

from isoflop.accounting import Accelerators, TrainingCost, rates, training_cost
from isoflop.accounting.cost import accelerators, cost_notes
from isoflop.atlas import Chip, Range, Spread
from isoflop.plan.budget import Budget


def budget_worth(
    budget: Budget, on: str | Chip | Accelerators, utilisation: Spread
) -> TrainingCost:
    """Return what a budget pays for on chips; see `isoflop.accounting.training_cost`.

    What the budget counts is exact; the rest is known as far as utilisation, price and power are.
    Raises UsageError where the chip lacks the price or power that the budget is counted in.
    """
    chips = accelerators(on)
    if budget.unit == "FLOP":
        return training_cost(budget.amount, chips, utilisation)
    what, per = chips.kind, rates(chips, utilisation)
    power = None
    if what.power is not None:
        power = Range.of(chips.load) * Range.of(chips.overhead) * (what.power / 1000)
    price = None if what.price is None else what.price.hourly
    amount = Range.of(budget.amount)
    hours = amount
    if budget.unit == "USD":
        hours = amount * (1.0 / what.hourly_price())
    elif budget.unit == "kWh":
        hours = amount * (1.0 / (power or Range.of(what.rated_power())))
    return TrainingCost(
        C=hours * (1.0 / per.hours),
        chip=what,
        count=chips.count,
        utilisation=Range.of(utilisation),
        hours=hours,
        days=hours / (24.0 * chips.count),
        energy=amount if budget.unit == "kWh" else power and hours * power,
        money=amount if budget.unit == "USD" else price and hours * price,
        notes=cost_notes(chips),
    )
