"""Hours, energy and money of FLOP on named chips; a range wherever an input is one."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.atlas import Chip, Range, Spread, chip
from isoflop.errors import Note, UsageError
from isoflop.quantities import refuse_count

MOST_CHIPS = 10**9
_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Accelerators:
    """`count` chips of a kind that compute in `precision`, and the power that they draw.

    `load` is the power drawn over the rated, and `overhead` the power of the site over that of
    the chips (PUE, with hosts and network); both are 1 unless given, which counts the chips at
    their rated power and nothing else.
    """

    chip: str | Chip
    count: int = 1
    precision: str = "bf16"
    load: Spread = 1.0
    overhead: Spread = 1.0

    @property
    def kind(self) -> Chip:
        """The chip.

        Raises UnknownName for a chip that is not in the atlas.
        """
        return chip(self.chip) if isinstance(self.chip, str) else self.chip

    @property
    def flop_per_second(self) -> float:
        """The peak of all of them [FLOP/s]; raises UnknownName for a precision without one."""
        return self.count * self.kind.flop_per_second(self.precision)


def accelerators(on: str | Chip | Accelerators) -> Accelerators:
    """Return accelerators: one chip at bf16 where only its name is given."""
    return on if isinstance(on, Accelerators) else Accelerators(on)


@dataclass(frozen=True, slots=True)
class Rates:
    """What one FLOP takes: `hours` [chip-hours/FLOP], `energy` [kWh/FLOP], `money` [USD/FLOP].

    `energy` is None where the chip's power is not published, `money` where no price is recorded.
    """

    hours: Range
    energy: Range | None
    money: Range | None


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """What a run of `C` [FLOP] takes on `count` chips.

    `hours` [chip-hours] over all chips, `days` [days] by the clock, `energy` [kWh] and `money`
    [USD], None where the chip's power or price is not known. `notes` say what was assumed.
    """

    C: Range
    chip: Chip
    count: int
    utilisation: Range
    hours: Range
    days: Range
    energy: Range | None
    money: Range | None
    notes: tuple[Note, ...]


def rates(on: str | Chip | Accelerators, utilisation: Spread) -> Rates:
    """Return what one FLOP takes on a chip, to be multiplied by any number of FLOP.

    `utilisation` is model FLOP over peak (MFU).

    Raises UnknownName for a chip or precision, UsageError for a utilisation or load beyond 1.
    """
    chips = accelerators(on)
    what = chips.kind
    speed = share(utilisation, "utilisation") * what.flop_per_second(chips.precision)
    hours = 1.0 / (speed * _SECONDS_PER_HOUR)
    load_factor = share(chips.load, "load") * Range.of(chips.overhead, "overhead")
    kilowatts = None if what.power is None else load_factor * (what.power / 1000)
    return Rates(
        hours=hours,
        energy=None if kilowatts is None else hours * kilowatts,
        money=None if what.price is None else hours * what.price.hourly,
    )


def training_cost(C: Spread, on: str | Chip | Accelerators, utilisation: Spread) -> TrainingCost:
    """Return the hours, days, energy and money of C [FLOP] on chips; see `rates`.

    Low hours come from high utilisation, and low money from low hours at a low price. C counts
    model FLOP: where activations are recomputed, that is part of the utilisation.

    Raises UsageError for a number of chips below one, and as `rates` does.
    """
    chips = accelerators(on)
    refuse_count("the number of chips", chips.count, 1, MOST_CHIPS)
    what, work = chips.kind, Range.of(C, "C")
    per = rates(chips, utilisation)
    hours = per.hours * work
    return TrainingCost(
        C=work,
        chip=what,
        count=int(chips.count),
        utilisation=Range.of(utilisation),
        hours=hours,
        days=hours / (24.0 * chips.count),
        energy=per.energy and per.energy * work,
        money=per.money and per.money * work,
        notes=cost_notes(chips),
    )


def utilisation(C: float, on: str | Chip, hours: float, *, precision: str = "bf16") -> float:
    """Return the share of the peak that C [FLOP] in so many chip-hours amounts to (MFU).

    Raises UsageError for hours in which the chips could not have done it.
    """
    for name, value in (("C", C), ("hours", hours)):
        if not 0 < value < float("inf"):
            raise UsageError(f"{name} is {value}; it must be finite and above zero")
    what = accelerators(on).kind
    reached = C / (hours * _SECONDS_PER_HOUR * what.flop_per_second(precision))
    if reached > 1:
        least = hours * reached
        raise UsageError(
            f"{C:.4g} FLOP in {hours:g} hours of {what.key} is {reached:.3g} times its {precision} "
            f"peak; it takes at least {least:.4g} chip-hours"
        )
    return reached


def share(value: Spread, what: str) -> Range:
    """Return `value` as a range within 0 and 1.

    Raises UsageError for one that is not, such as a percentage.
    """
    fraction = Range.of(value, what)
    if fraction.high > 1:
        raise UsageError(
            f"{what} is {fraction.high:g}; it is a share of the peak, so write 0.4 for 40%"
        )
    return fraction


def cost_notes(on: Accelerators) -> tuple[Note, ...]:
    """Return what a reader must know of the chip, its price and its power behind a cost."""
    what, load, overhead = on.kind, on.load, on.overhead
    notes = []
    if what.price is None:
        notes.append(
            Note(
                "info",
                "price",
                f"no price of {what.key} is recorded, so there is no money; state one",
            )
        )
    else:
        price = what.price
        dated = f"{price.source}, {price.date}" if price.date else price.source
        notes.append(Note("info", "price", f"price of {what.key}: {dated} ({price.confidence})"))
    if what.power is None:
        notes.append(
            Note(
                "info",
                "power",
                f"the power of {what.key} is not published, so there is no energy; state it",
            )
        )
    elif Range.of(load).exact and Range.of(overhead).exact and load == overhead == 1:
        notes.append(Note("info", "power", "energy is of the chips alone at their rated power"))
    if what.confidence != "vendor":
        notes.append(Note("info", "source", f"{what.key}: {what.source} ({what.confidence})"))
    return tuple(notes)
