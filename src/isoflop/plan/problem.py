"""What a plan is asked of, checked once: a model, a cost, limits; and what an answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np

from isoflop.accounting import ModelFamily
from isoflop.arrays import Numbers
from isoflop.assess.identifiability import refuse_split, refuse_unsupported
from isoflop.atlas import Spread
from isoflop.atlas.text_stock import beyond_stock
from isoflop.errors import NoOptimum, Note, RefusedByData, UsageError
from isoflop.fitting import Fit
from isoflop.fitting.trust import FormError
from isoflop.forecasting import FAR, beyond, form_notes, sound
from isoflop.intervals import Model as FitOrPool
from isoflop.intervals import errors, fits_of, form_of, spread
from isoflop.law import Law, LossLaw, Published
from isoflop.plan.conventions import EXACT, counting
from isoflop.plan.cost import Cost, Serving, served
from isoflop.plan.data_worth import valued, valued_draws, worth_note
from isoflop.plan.limits import Limits, limits
from isoflop.plan.repeats import knows_repeats, repeating, repeats_note
from isoflop.quantities import refuse_impossible, refuse_level, show

_MIXTURES = ("experts", "sparsity", "granularity")  # inputs by which a token meets a part of N

Model: TypeAlias = FitOrPool | Published


class PlanningOptions(TypedDict, total=False):
    """The fields of a `PlanningProblem` beside its model, as keywords of a planning verb."""

    cost: Cost | None
    serving: float | Serving | None
    unique: float | None
    worth: Mapping[str, Spread] | None
    inputs: Mapping[str, float] | None
    at_most: Mapping[str, float] | None
    at_least: Mapping[str, float] | None
    convention: Mapping[str, str] | None
    family: ModelFamily | None
    level: float | None
    growth: float | None


@dataclass(frozen=True, eq=False)
class PlanningProblem:
    """What a plan is asked of: a model, what counts as its cost, and limits on the answer.

    `cost` is the training FLOP unless it says more, and `serving` [tokens] is paid for, too.
    `unique` tokens are repeated where D exceeds them. `worth` says by cause (quality,
    deduplication, synthetic text) how many tokens of the law's data one token is worth, as a number
    or a range, whose draws the intervals then hold. `inputs` holds what else the law
    takes. For `at_most` and `at_least` see `limits`, for `convention` and `family` see `counting`.
    Intervals hold `level` of the draws, unless given what the model says, and the error of the
    form beyond the runs, for which `growth` stands: see `forecast`. Members of a pool that cannot
    answer are left out of `model`, whose notes say so.

    Raises UsageError for a number that is not above zero, NoOptimum for a law without N and D,
    RefusedByData for a refused fit, ConventionMismatch for counts that differ.
    """

    model: Model
    _: KW_ONLY
    cost: Cost | None = None
    serving: float | Serving | None = None
    unique: float | None = None
    worth: Mapping[str, Spread] | None = None
    inputs: Mapping[str, float] | None = None
    at_most: Mapping[str, float] | None = None
    at_least: Mapping[str, float] | None = None
    convention: Mapping[str, str] | None = None
    family: ModelFamily | None = None
    level: float | None = None
    growth: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense, and leave members of a pool out that cannot answer."""
        for name, value in self.all_inputs.items():
            refuse_impossible(name, value)
        refuse_level(self.level)
        model = able(self.model, _no_split)
        if self.unique is not None:
            model = able(model, _no_repeats, "info")
        object.__setattr__(self, "model", model)
        _check_law(model, self.law, self.all_inputs)
        _ = self.priced

    @cached_property
    def all_inputs(self) -> dict[str, float]:
        """What the law takes beside N and D, the unique tokens U [tokens] among them."""
        return {**(self.inputs or {}), **({} if self.unique is None else {"U": self.unique})}

    @cached_property
    def law(self) -> LossLaw:
        """The law, which takes U where unique tokens are stated."""
        return valued(repeating(self.model.law, self.unique), self.worth)

    @cached_property
    def draws(self) -> LossLaw | None:
        """The draws of the law and of the worth of data; None where neither has any."""
        draws = None if self.model.draws is None else repeating(self.model.draws, self.unique)
        return valued_draws(repeating(self.model.law, self.unique), draws, self.worth)

    @cached_property
    def priced(self) -> Cost:
        """The cost, with the tokens served, which counts FLOP as the law does."""
        cost = self.cost or Cost()
        if self.serving is not None:
            cost = replace(cost, serving=served(self.serving))
        counts = counting(self.model, self.convention, self.family)
        return replace(cost, counting=counts) if cost.counting.linear else cost

    @cached_property
    def limits(self) -> Limits:
        """The most and the least of N, D and C.

        Raises UsageError for limits that contradict each other, or need what is not stated.
        """
        return limits(self.at_most, self.at_least, self.priced, self.all_inputs)

    @property
    def interval_level(self) -> float:
        """The share of draws that an interval holds."""
        return self.level or (0.9 if isinstance(self.model, Published) else self.model.level)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a reader must know of the law as it is asked."""
        learns = repeating(self.model.law, self.unique) is not self.model.law
        of_data = (worth_note(self.worth),) if self.worth else ()
        return (*of_data, *((repeats_note(),) if learns else ()))

    def loss(self, N: Any, D: Any) -> float:
        """Return the loss at N [params] and D [tokens]."""
        return float(np.ravel(self.law(N=N, D=D, **self.all_inputs))[0])

    def form(self, N: float, D: float) -> FormError | None:
        """Return how far the form may be off at a run; None within the runs, or without draws."""
        if self.draws is None or isinstance(self.model, Published):
            return None
        return form_of(self.model, self.growth) if beyond(self.model, self._at(N, D)) > 1 else None

    def losses(self, N: float, D: float) -> Numbers | None:
        """Return draws (s,) of the loss of a run: those that its forecast is made of."""
        if self.draws is None:
            return None
        if isinstance(self.model, Published):
            return np.ravel(self.draws(N=N, D=D, **self.all_inputs))
        at = {s: np.array([v]) for s, v in self._at(N, D).items()}
        mean_s1 = np.asarray(self.draws(**{**at, "N": N, "D": D, **self.all_inputs})).reshape(-1, 1)
        form = self.form(N, D)
        return spread(self.model, form.growth if form else 0.0, mean_s1, at)[:, 0]

    def errors(self, N: float, D: float) -> Numbers | float:
        """Return one log error (s, 1) of a run for each draw: its noise, and that of the form."""
        if self.draws is None or isinstance(self.model, Published):
            return 0.0
        form = self.form(N, D)
        error_s = errors(self.model, form.growth if form else 0.0, self._at(N, D), self.loss(N, D))
        return error_s[:, None]

    def answering(self, N: float, D: float) -> PlanningProblem:
        """Return the problem without members of a pool that say nothing of N [params], D [tokens].

        Raises RefusedByData if none of a pool says anything there.
        """
        if isinstance(self.model, Published | Fit) or not np.isfinite(N * D):
            return self
        rest = sound(self.model, self._at(N, D))
        return self if rest is self.model else replace(self, model=rest)

    def reaching(self, reaches: Callable[[LossLaw], bool]) -> PlanningProblem:
        """Return the problem without members of a pool that never reach a loss.

        A law whose loss rises again far out takes the mean of a pool with it.
        """

        def fault(fit: Fit[Any]) -> str | None:
            low = reaches(repeating(fit.law, self.unique))
            return None if low else "the loss never comes that low, or rises far out"

        rest = able(self.model, fault)
        return self if rest is self.model else replace(self, model=rest)

    def refuse(self, verb: str, *names: str) -> None:
        """Raise UsageError for fields that are stated and that a verb has no use for."""
        if stated := [name for name in names if getattr(self, name) is not None]:
            raise UsageError(f"{stated[0]} has no effect on {verb}; leave it out")

    def _at(self, N: float, D: float) -> dict[str, float]:
        """Return the inputs of the model at a run."""
        inputs = {"N": N, "D": D, **self.all_inputs}
        return {s: inputs[s] for s in self.model.binding.takes}


def problem_of(model: Model | PlanningProblem, options: PlanningOptions) -> PlanningProblem:
    """Return the problem of a model and options, or a problem in which the options stand."""
    if isinstance(model, PlanningProblem):
        return replace(model, **options) if options else model
    return PlanningProblem(model, **options)


def able(
    model: Model, fault: Callable[[Fit[Any]], str | None], kind: Literal["info", "doubt"] = "doubt"
) -> Model:
    """Return a pool without the members of which `fault` says something; else the model.

    Where that is all of them, the pool stays whole: what asks it next says why it cannot answer.
    """
    if isinstance(model, Published | Fit):
        return model
    rest = model.able(fault, "this plan", kind)
    return rest or model


def _no_split(fit: Fit[Any]) -> str | None:
    """Return why the runs behind a fit cannot tell size from data; None if they can."""
    try:
        refuse_split(fit)
    except RefusedByData as reason:
        return str(reason)
    return None


def _no_repeats(fit: Fit[Any]) -> str | None:
    """Return what a law lacks that cannot say what repeated tokens are worth."""
    return None if knows_repeats(fit.law) else "it does not say what repeated tokens are worth"


def _check_law(model: Model, law: LossLaw, inputs: Mapping[str, float]) -> None:
    takes = set(law.takes)
    named = ", ".join(model.binding.takes)
    if not {"N", "D"} <= takes:
        raise NoOptimum(f"{law.key} takes {named}; a plan needs a law of N and D")
    if chosen := sorted({"N", "D"} & set(inputs)):
        raise UsageError(f"{chosen[0]} is what a plan chooses; leave it out of --inputs (inputs=)")
    if missing := sorted(takes - {"N", "D"} - set(inputs)):
        raise UsageError(
            f"{law.key} takes {named}; beside what a plan chooses in a law of N and D it needs "
            f"{', '.join(missing)}: say --inputs {','.join(f'{s}=...' for s in missing)}"
            + ", or --unique TOKENS"
            * (missing == ["U"])
        )
    if unknown := sorted(set(inputs) - takes):
        raise UsageError(
            f"{law.key} does not take {unknown[0]}; it takes {', '.join(law.takes)}"
            f"{_takers(unknown[0])}"
        )
    if isinstance(model, Published):
        return
    if model.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its plan: {model.notes[0]}")
    for fit in fits_of(model):
        refuse_split(fit)


def _takers(symbol: str) -> str:
    """Return the published constants, of laws of N and D, that take an input; no words for none.

    Laws of mixtures state experts in several ways, each of which is one for the others.
    """
    alike = set(_MIXTURES) if symbol in _MIXTURES else {symbol}
    laws = [law for law in Law.registry.values() if {"N", "D"} <= set(law.takes)]
    laws = [law for law in laws if alike & set(law.takes)]
    names = sorted(item.key for law in laws for item in law.published.values())
    return f"; what takes {' or '.join(sorted(alike))}: {', '.join(names[:4])}" if names else ""


def _share_unstated(problem: PlanningProblem) -> list[Note]:
    """Return a note on a mixture whose N counts what a token does not meet."""
    mixed = [name for name in _MIXTURES if problem.all_inputs.get(name)]
    if not mixed or problem.priced.active < 1 or problem.model.conventions.get("N") == "active":
        return []
    return [
        Note(
            "info",
            "convention",
            f"C counts all of N, of which a token meets a share in a mixture of {mixed[0]} "
            f"{show(problem.all_inputs[mixed[0]])}: say which with --active (active=)",
        )
    ]


def basis(problem: PlanningProblem, N: float, D: float) -> tuple[Note, ...]:
    """Return what a reader must know of the law and the counts behind a plan, worst first.

    Raises RefusedByData where the runs behind the law can say nothing of such a run.
    """
    model, counts = problem.model, problem.priced.counting
    fresh = () if "U" in problem.all_inputs else beyond_stock(D)
    notes = [*problem.notes, *fresh, *problem.priced.notes]
    stated = model.conventions.get("C")
    if stated is None and counts.linear:
        notes.append(
            Note("info", "convention", "C is taken as 6ND; the runs do not state how they count it")
        )
    elif counts.N is not None:
        notes.append(
            Note(
                "info",
                "convention",
                f"C is {counts.convention}, by the FLOP per token of the runs at their sizes",
            )
        )
    elif stated not in EXACT or counts.family is not None:
        notes.append(
            Note("info", "convention", f"C is {counts.convention}, by the shapes that were stated")
        )
    if "N" in model.conventions:
        notes.append(Note("info", "convention", f"N is counted as {model.conventions['N']}"))
    notes += _share_unstated(problem)
    if isinstance(model, Published):
        notes.insert(
            0,
            Note(
                "info",
                "no-interval",
                "published constants have no draws, so "
                + ("there are no intervals" if problem.draws is None else "none are of the law"),
            ),
        )
        outside = model.outside({"N": N, "D": D, **problem.all_inputs})
        return (*model.notes, *outside, *notes)
    at = {s: {"N": N, "D": D, **problem.all_inputs}[s] for s in model.binding.takes}
    for fit in fits_of(model):
        refuse_unsupported(fit, at)
    far = beyond(model, at)
    form = problem.form(N, D)
    if far > 1:
        notes = [*(form_notes(form) if form else ()), *notes]
        kind: Literal["info", "doubt"] = "doubt" if far > FAR else "info"
        text = f"the plan lies {show(far)} times beyond the runs behind the law"
        notes.insert(0, Note(kind, "distance", text))
    heavy = model.notes if model.status != "ok" or not isinstance(model, Fit) else ()
    return (*heavy, *notes)
