"""What planning commands take as costs: tokens served, chips, utilisation, prices, counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from isoflop.commands.law_source import Growth, Level
from isoflop.commands.registry import Option
from isoflop.errors import Note, Notes, UnknownName, UsageError
from isoflop.quantities import parse, show

if TYPE_CHECKING:
    from isoflop.accounting import ModelFamily
    from isoflop.atlas import Chip, Range
    from isoflop.plan import Cost, PlanningProblem, Serving
    from isoflop.plan.budget import Budget, BudgetUnit
    from isoflop.plan.problem import Model, PlanningOptions

PRICED = "chip|money|energy|budget"  # what makes FLOP into hours of chips

Served: TypeAlias = Annotated[
    float | None, Option("tokens served over the life of the model, paid for as well")
]
Generated: TypeAlias = Annotated[
    float | None,
    Option(
        "of the tokens served, those generated one by one; the rest are prompts",
        needs=("serving",),
    ),
]
Money: TypeAlias = Annotated[bool, Option("count the cost in money")]
Energy: TypeAlias = Annotated[bool, Option("count the cost in energy")]
ChipName: TypeAlias = Annotated[
    str | None, Option("the accelerator to train on, such as H100", "CHIP")
]
ServingChip: TypeAlias = Annotated[
    str | None,
    Option(
        "the accelerator to serve on, unless that of training", "CHIP", needs=("serving", PRICED)
    ),
]
Mfu: TypeAlias = Annotated[
    str | None,
    Option(
        "share of the peak that training reaches: 0.4, or low,high, or low,typical,high",
        "MFU",
        needs=(PRICED,),
    ),
]
ServingMfu: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option(
        "the same of serving, by phase, such as prompt=0.4,output=0.05",
        "PHASE=MFU",
        needs=("serving", PRICED),
    ),
]
Price: TypeAlias = Annotated[
    str | None, Option("USD for an hour of a chip: 2.50, or low,high", "USD", needs=(PRICED,))
]
ServingPrice: TypeAlias = Annotated[
    str | None,
    Option(
        "USD for an hour of a chip that serves, unless that of training: 2.50, or low,high",
        "USD",
        needs=("serving", PRICED),
    ),
]
Precision: TypeAlias = Annotated[
    str, Option("number format of training", "FORMAT", needs=(PRICED,))
]
ServingPrecision: TypeAlias = Annotated[
    str | None,
    Option(
        "number format of serving, unless that of training: fp8, int8",
        "FORMAT",
        needs=("serving", PRICED),
    ),
]
Active: TypeAlias = Annotated[
    float, Option("share of N that a token meets, for a mixture of experts")
]
BudgetText: TypeAlias = Annotated[
    str | None,
    Option(
        'what may be spent, with its unit: "2000 GPU-hours", "$50k", "3 weeks on 64 H100", '
        '"100 PF-days", "5 MWh"',
        "BUDGET",
    ),
]
Unique: TypeAlias = Annotated[
    float | None, Option("unique tokens there are; more training repeats them")
]
DataWorth: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option(
        "what a token of yours is worth in tokens of the law's data, by cause, each a number or "
        "low,high: quality=1.1,1.4,deduplication=1.05,synthetic=0.7,0.9",
        "CAUSE=FACTOR",
    ),
]
Given: TypeAlias = Annotated[
    Mapping[str, float] | None,
    Option("other inputs that the law takes, such as experts=8", "NAME=NUMBER"),
]
Most: TypeAlias = Annotated[
    Mapping[str, float] | None,
    Option(
        "keep N, D, C, epochs, memory [bytes], latency [s/token] or hours [chip-hours] at or "
        "below this, such as D=3e12",
        "NAME=NUMBER",
    ),
]
Least: TypeAlias = Annotated[
    Mapping[str, float] | None, Option("keep N or D at or above this, such as N=7B", "N|D=NUMBER")
]
Counted: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("how the question counts N or C, unless as the law: C=detailed", "NAME=CONVENTION"),
]
Shapes: TypeAlias = Annotated[
    Mapping[str, float] | None,
    Option(
        "the models' shapes, to convert counts and to write a run: "
        "vocabulary=32000,aspect=64,context=2048, aspect being width over layers",
        "NAME=NUMBER",
    ),
]

FALLBACK = "H100"
SHAPE = ("vocabulary", "aspect", "context")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOptions:
    """What a law is asked at, how it is counted there, and how wide intervals are."""

    unique: Unique = None
    inputs: Given = None
    level: Level = None
    count: Counted = None
    shapes: Shapes = None

    def options(self, cost: Cost | None = None, *, written: bool = False) -> PlanningOptions:
        """Return the fields of a problem beside its model; `written` is that of `family`."""
        return {
            "cost": cost,
            "unique": self.unique,
            "inputs": self.inputs,
            "convention": self.count,
            "family": family(self.shapes, written),
            "level": self.level,
        }

    def problem(
        self, model: Model, cost: Cost | None = None, *, written: bool = False
    ) -> PlanningProblem:
        """Return what is asked of a model."""
        from isoflop.plan import PlanningProblem

        return PlanningProblem(model, **self.options(cost, written=written))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemOptions(CountOptions):
    """What a plan is bound by."""

    at_most: Most = None
    at_least: Least = None
    growth: Growth = None
    data_worth: DataWorth = None

    def options(self, cost: Cost | None = None, *, written: bool = False) -> PlanningOptions:
        """Return the fields of a problem beside its model, limits among them."""
        causes = (self.data_worth or {}).items()
        return {
            **CountOptions.options(self, cost, written=written),
            "at_most": self.at_most,
            "at_least": self.at_least,
            "growth": self.growth,
            "worth": {cause: spread(text, f"--data-worth {cause}") for cause, text in causes},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOptions:
    """What things cost."""

    serving: Served = None
    generated: Generated = None
    money: Money = False
    energy: Energy = False
    chip: ChipName = None
    mfu: Mfu = None
    price: Price = None
    serving_mfu: ServingMfu = None
    serving_chip: ServingChip = None
    serving_price: ServingPrice = None
    precision: Precision = "bf16"
    serving_precision: ServingPrecision = None
    active: Active = 1.0

    @property
    def served(self) -> Serving | None:
        """The tokens served, read and generated.

        Raises UsageError for more generated than served.
        """
        from isoflop.plan import Serving

        if self.serving is None:
            if self.generated is not None:
                raise UsageError("--generated is a part of --serving; give both")
            return None
        generated = self.generated or 0.0
        if generated > self.serving:
            raise UsageError(
                f"--generated {show(generated)} is more than the --serving {show(self.serving)}"
            )
        return Serving(prompt=self.serving - generated, output=generated)

    def cost(self, budget: Budget | None = None) -> tuple[Cost, Notes]:
        """Return the cost to plan with, and what was assumed for want of an option.

        It is counted in the unit of the budget, if there is one, on the chip that it names.
        Raises UsageError where options and budget contradict each other.
        """
        from isoflop.accounting import Accelerators
        from isoflop.plan import Cost, ServingLoad, priced

        if self.money and self.energy:
            raise UsageError("--money and --energy are two costs; give one")
        unit = self._unit(budget)
        named = self._chip(budget)
        if unit == "FLOP" and named is None:
            self._refuse_idle()
            return Cost(serving=self.served, active=self.active), ()
        on, utilisation, notes = self._training(named)
        serves = self.priced_chip(self.serving_chip) if self.serving_chip else on
        if self.serving_price is not None:
            serves = serves.with_price(spread(self.serving_price, "--serving-price"))
        load = ServingLoad(
            tokens=self.served,
            on=Accelerators(serves, precision=self.serving_precision or self.precision),
            reading=self._phase("prompt"),
            generating=self._phase("output"),
        )
        chips = Accelerators(on, precision=self.precision)
        return priced(unit, chips, utilisation, serving=load, active=self.active), notes

    def _unit(self, budget: Budget | None) -> BudgetUnit:
        """Return what the cost is counted in."""
        unit: BudgetUnit | None = "USD" if self.money else "kWh" if self.energy else None
        if budget is None or budget.unit == "FLOP":
            return unit or "FLOP"
        if unit not in (None, budget.unit):
            option = "--money" if self.money else "--energy"
            raise UsageError(f"the budget is {budget}, and {option} counts {unit}; leave one out")
        return budget.unit

    def _chip(self, budget: Budget | None) -> str | None:
        """Return the name of the accelerator to train on, where one is named."""
        if budget is None or budget.unit != "chip-hours":
            return self.chip
        from isoflop.atlas import chip, chip_names

        if self.chip and budget.chip and chip(self.chip).key != budget.chip:
            raise UsageError(f"the budget is {budget}, and --chip is {self.chip}; name one chip")
        if self.chip is None and budget.chip is None:
            raise UsageError(
                f"the budget is {budget}, and no chip is named; name it with --chip: "
                f"{', '.join(chip_names())}"
            )
        return self.chip or budget.chip

    def _phase(self, name: str) -> Range | None:
        """Return the utilisation of a phase of serving, if it was stated."""
        shares = self.serving_mfu or {}
        if unknown := sorted(set(shares) - {"prompt", "output"}):
            raise UnknownName("phase of serving", unknown[0], ("prompt", "output"))
        return spread(shares[name], f"--serving-mfu {name}") if name in shares else None

    def _refuse_idle(self) -> None:
        """Refuse options that say something of a chip where none is named."""
        serving = ("serving_mfu", "serving_chip", "serving_price", "serving_precision")
        for name in ("mfu", "price", *serving):
            if getattr(self, name) is not None:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} says something of a chip; name it with --chip")

    def _training(self, named: str | None) -> tuple[Chip, Range, Notes]:
        """Return the chip, its utilisation, and what stands in for what was not stated."""
        from isoflop.accounting.cost import Accelerators, cost_notes

        notes = []
        if named is None:
            text = f"no chip was named: this is for {FALLBACK}; say --chip"
            notes.append(Note("doubt", "chip", text))
        on = self.priced_chip(named or FALLBACK)
        share, assumed = utilisation_of(self.mfu)
        return on, share, (*notes, *assumed, *cost_notes(Accelerators(on)))

    def priced_chip(self, name: str) -> Chip:
        """Return a chip at the price that was stated, or at its own."""
        from isoflop.atlas import chip

        accelerator = chip(name)
        return (
            accelerator
            if self.price is None
            else accelerator.with_price(spread(self.price, "--price"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendOptions:
    """What may be spent on runs, and the chips that they go on."""

    budget: BudgetText = None
    chip: ChipName = None
    mfu: Mfu = None
    price: Price = None

    def spending(self) -> tuple[float | None, Cost | None, Notes]:
        """Return the training FLOP of the budget, the cost of a FLOP, and what was assumed.

        Each is None where nothing says it. Raises UsageError for a budget without a unit, and for
        one that the chip contradicts.
        """
        from isoflop.plan.budget import parse_budget, training_flop

        budget = None if self.budget is None else parse_budget(self.budget)
        if budget is None and self.chip is None:
            return None, None, ()
        options = CostOptions(chip=self.chip, mfu=self.mfu, price=self.price)
        cost, notes = options.cost(budget)
        if self.budget is None:
            return None, cost, notes
        C = training_flop(self.budget, cost)
        paid = Note("info", "budget", f"{budget} pay for {show(C)} FLOP")
        return C, cost, (*notes, *(() if cost.unit == "FLOP" else (paid,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions(CostOptions):
    """What a model costs that is served."""

    serving: Annotated[float, Option("tokens served over the life of the model")]


def utilisation_of(mfu: str | None) -> tuple[Range, Notes]:
    """Return the utilisation that was stated, or that of large runs and a doubt that says so."""
    from isoflop.atlas import reported_utilisation

    if mfu is not None:
        return spread(mfu, "--mfu"), ()
    share = reported_utilisation()
    text = (
        f"no utilisation was stated: {share.low:.0%} to {share.high:.0%}, typically "
        f"{share.typical:.0%}, as large runs have reported; say --mfu"
    )
    return share, (Note("doubt", "utilisation", text),)


def spread(text: str, what: str) -> Range:
    """Return the range that text writes: "0.4", "0.3,0.5" or "0.3,0.4,0.5".

    Raises UsageError, which names `what`, for anything else.
    """
    from isoflop.atlas import Range

    return Range.of([parse(part, what) for part in text.split(",")], what)


def family(shapes: Mapping[str, float] | None, written: bool = False) -> ModelFamily | None:
    """Return the shapes by which to convert counts; None unless width over layers is stated.

    `written` says that a run is written by the other numbers, which else have no effect.
    Raises UsageError for an aspect without a vocabulary, and for numbers that nothing uses,
    UnknownName for another name.
    """
    from isoflop.accounting import ModelFamily

    numbers = dict(shapes or {})
    if unknown := sorted(set(numbers) - set(SHAPE)):
        raise UnknownName("number of a shape", unknown[0], SHAPE)
    if "aspect" not in numbers:
        if numbers and not written:
            raise UsageError(f"--shapes {min(numbers)}= has no effect without aspect=; say both")
        return None
    if "vocabulary" not in numbers:
        raise UsageError("an aspect states the shapes for a conversion; say vocabulary= as well")
    return ModelFamily(numbers["vocabulary"], numbers["aspect"], numbers.get("context"))
