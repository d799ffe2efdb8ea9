"""What a model costs over its life: tokens to train it on, then tokens that it serves.

At every N the cost is linear in D, so a budget or a loss says D, and N alone is searched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from isoflop.accounting import Accelerators, ModelFamily, Rates, convert_parameters, rates
from isoflop.accounting.cost import accelerators
from isoflop.accounting.memory import bits_of
from isoflop.arrays import Numbers
from isoflop.atlas import Chip, Range, Spread
from isoflop.errors import Note, UsageError
from isoflop.plan.search import bisect

Unit = Literal["FLOP", "USD", "kWh", "chip-hours"]

FLOP_PER_PARAM_TOKEN = 6.0  # forward 2, backward 4; Kaplan et al. 2020, section 2.1
FORWARD = 1 / 3  # the share of a training token's FLOP that a served token takes


@dataclass(frozen=True, eq=False)
class Counting:
    """The training FLOP per token of N parameters: 6N, unless something else is known.

    `family` counts N of the law as `params` says and FLOP as `convention` says. A table of `N`
    [params] and `each` [FLOP/token], such as runs have, is read between its rows in logs, and
    beyond them at the FLOP per parameter of its end.
    """

    convention: str = "6ND"
    params: str = "total"
    family: ModelFamily | None = None
    N: Numbers | None = None
    each: Numbers | None = None

    @property
    def linear(self) -> bool:
        """Whether it is 6N."""
        return self.family is None and self.N is None

    def __call__(self, N: Any) -> Any:
        """Return the training FLOP per token of N [params]."""
        if self.family is not None:
            inner = convert_parameters(N, self.params, "non-embedding", self.family)
            return self.family.flop_per_token(inner, self.convention)
        if self.N is None or self.each is None:
            return FLOP_PER_PARAM_TOKEN * N
        ratio = np.log(self.each / self.N)
        return N * np.exp(np.interp(np.log(N), np.log(self.N), ratio))


@dataclass(frozen=True)
class Serving:
    """Tokens served over the life of a model [tokens]: `prompt` read, `output` generated."""

    prompt: float = 0.0
    output: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a service of nothing."""
        both = (self.prompt, self.output)
        if not all(np.isfinite(t) and t >= 0 for t in both) or sum(both) <= 0:
            raise UsageError(
                f"serving is {self.prompt:g} prompt and {self.output:g} output tokens; give "
                "finite numbers, at least one above zero"
            )

    @property
    def tokens(self) -> float:
        """All of them [tokens]."""
        return self.prompt + self.output


@dataclass(frozen=True)
class Item:
    """One line of a bill: `FLOP` of a phase, and its hours, energy [kWh] and money [USD]."""

    phase: str
    FLOP: float
    cost: float
    hours: Range | None = None
    energy: Range | None = None
    money: Range | None = None


@dataclass(frozen=True, eq=False)
class Cost:
    """The cost of N parameters trained on D tokens and served, in `unit`.

    `training`, `reading` and `generating` are what one FLOP of each phase costs [unit/FLOP].
    `active` is the share of N that a token meets, below 1 for a mixture of experts. `per_flop`
    holds the hours, energy and money of the phases, where chips are named. Serving holds `bits`
    per parameter, and reads them at `bandwidth` [bytes/s].
    """

    unit: Unit = "FLOP"
    training: float = 1.0
    reading: float = 1.0
    generating: float = 1.0
    serving: Serving | None = None
    active: float = 1.0
    counting: Counting = field(default_factory=Counting)
    per_flop: tuple[Rates, Rates, Rates] | None = None
    bits: float = 16.0
    bandwidth: float | None = None
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        """Refuse prices and shares that make no cost."""
        for name in ("training", "reading", "generating"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise UsageError(f"the price of {name} is {value}; it must be above zero")
        if not 0 < self.active <= 1:
            raise UsageError(f"active is {self.active}; it is a share of N, above 0 and up to 1")

    @property
    def plain(self) -> bool:
        """Whether it is 6ND times a constant, for which laws have closed forms."""
        return self.serving is None and self.counting.linear

    @property
    def served_weight(self) -> float:
        """What the served tokens cost per FLOP per training token of the model [unit token]."""
        if self.serving is None:
            return 0.0
        s = self.serving
        return FORWARD * (self.reading * s.prompt + self.generating * s.output)

    def flop(self, N: Any) -> Any:
        """Return the training FLOP per token of N [params]."""
        return self.counting(N) * self.active

    def __call__(self, N: Any, D: Any) -> Any:
        """Return the cost [unit] of N [params] trained on D [tokens] and served."""
        return self.flop(N) * (self.training * D + self.served_weight)

    def tokens_for(self, budget: Any, N: Any) -> Any:
        """Return the D [tokens] that a budget [unit] leaves for N [params]; may be below zero."""
        return (budget / self.flop(N) - self.served_weight) / self.training

    def size_for(self, budget: Any, D: Any) -> Any:
        """Return the N [params] at which a budget [unit] pays for exactly D [tokens]."""
        each = budget / (self.training * D + self.served_weight)
        if self.counting.linear:
            return each / FLOP_PER_PARAM_TOKEN / self.active
        N = bisect(
            lambda x: np.asarray(self.flop(np.exp(x)) >= each),
            np.zeros(np.shape(each)),
            np.full(np.shape(each), 80.0),
        )
        return np.exp(N)

    def bill(self, N: float, D: float) -> tuple[Item, ...]:
        """Return what each phase takes."""
        served = self.serving or None
        each = float(self.flop(N))
        phases = [("training", each * D, self.training, 0)]
        if served is not None and served.prompt:
            name = "reading prompts" if served.output else "serving"
            phases.append((name, each * FORWARD * served.prompt, self.reading, 1))
        if served is not None and served.output:
            phases.append(("generating", each * FORWARD * served.output, self.generating, 2))
        return tuple(self._item(*phase) for phase in phases)

    def _item(self, phase: str, flop: float, price: float, which: int) -> Item:
        if self.per_flop is None:
            return Item(phase, flop, flop * price)
        per = self.per_flop[which]
        hours, energy, money = (r and r * flop for r in (per.hours, per.energy, per.money))
        return Item(phase, flop, flop * price, hours, energy, money)


def served(tokens: float | Serving | None) -> Serving | None:
    """Return tokens served as prompt and output; a plain number costs the same either way."""
    return tokens if tokens is None or isinstance(tokens, Serving) else Serving(prompt=tokens)


@dataclass(frozen=True, kw_only=True)
class ServingLoad:
    """What is served, on what, at which utilisation.

    `tokens` [tokens] are served on the chips `on`, those of training unless given. `reading` and
    `generating` are the utilisation of prompts and of output; a phase without its own is charged
    as training is.
    """

    tokens: float | Serving | None = None
    on: str | Chip | Accelerators | None = None
    reading: Spread | None = None
    generating: Spread | None = None

    @property
    def notes(self) -> tuple[Note, ...]:
        """What stands in for a utilisation that is not stated."""
        if self.tokens is None or not (self.reading is None or self.generating is None):
            return ()
        text = "serving is charged at the utilisation of training where none is stated"
        return (Note("info", "utilisation", text),)


def priced(
    unit: Unit,
    on: str | Chip | Accelerators,
    utilisation: Spread,
    *,
    serving: float | Serving | ServingLoad | None = None,
    active: float = 1.0,
    counting: Counting | None = None,
) -> Cost:
    """Return the cost in `unit` on named chips; a budget in FLOP stays one, with a bill beside it.

    `utilisation` is that of training (MFU). Fewer bits are faster where the chip has a peak for
    the precision of serving. `active` is the share of N that a token meets.

    Raises UsageError where the chip lacks the price or power that the unit needs.
    """
    load = serving if isinstance(serving, ServingLoad) else ServingLoad(tokens=serving)
    trained = accelerators(on)
    serves = trained if load.on is None else accelerators(load.on)
    for chips in (trained, serves):
        if unit == "USD":
            chips.kind.hourly_price()
        if unit == "kWh":
            chips.kind.rated_power()
    first = rates(trained, utilisation)
    second, third = (
        rates(serves, utilisation if share is None else share)
        for share in (load.reading, load.generating)
    )
    return Cost(
        unit,
        _price(unit, first),
        _price(unit, second),
        _price(unit, third),
        serving=served(load.tokens),
        active=active,
        counting=counting or Counting(),
        per_flop=(first, second, third),
        bits=bits_of(serves.precision),
        bandwidth=serves.kind.bandwidth,
        notes=load.notes,
    )


def _price(unit: Unit, per: Rates) -> float:
    which = {"USD": per.money, "kWh": per.energy, "chip-hours": per.hours}.get(unit)
    return 1.0 if which is None else which.typical
