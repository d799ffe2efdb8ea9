"""What every verb of planning does: check what is asked, and say what an answer rests on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from isoflop.accounting import ModelFamily
from isoflop.arrays import Numbers
from isoflop.assess.identifiability import refuse_split, refuse_unsupported
from isoflop.atlas.text_stock import beyond_stock
from isoflop.errors import NoOptimum, Note, RefusedByData, UsageError
from isoflop.fitting import Fit
from isoflop.fitting.trust import FormError
from isoflop.forecasting import FAR, beyond, form_notes, sound
from isoflop.intervals import Model as FitOrPool
from isoflop.intervals import errors, fits_of, form_of, spread
from isoflop.law import LossLaw, Published
from isoflop.plan.conventions import EXACT, counting
from isoflop.plan.cost import Cost, Counting, Serving, served
from isoflop.plan.repeats import knows_repeats, repeating, repeats_note
from isoflop.quantities import refuse_impossible, refuse_level, show

_MIXTURES = ("experts", "sparsity", "granularity")  # inputs by which a token meets a part of N

Model: TypeAlias = FitOrPool | Published


@dataclass(frozen=True, eq=False)
class PlanningProblem:
    """A law, its draws and its other inputs, the cost to count by, and the level of intervals."""

    model: Model
    law: LossLaw
    draws: LossLaw | None
    inputs: dict[str, float]
    cost: Cost
    level: float
    notes: tuple[Note, ...]
    growth: float | None = None

    def loss(self, N: Any, D: Any) -> float:
        """Return the loss at N [params] and D [tokens]."""
        return float(np.ravel(self.law(N=N, D=D, **self.inputs))[0])

    def form(self, N: float, D: float) -> FormError | None:
        """Return how far the form may be off at a run; None within the runs, or without draws."""
        if self.draws is None or isinstance(self.model, Published):
            return None
        return form_of(self.model, self.growth) if beyond(self.model, self._at(N, D)) > 1 else None

    def losses(self, N: float, D: float) -> Numbers | None:
        """Return draws (s,) of the loss of a run: those that its forecast is made of."""
        if self.draws is None or isinstance(self.model, Published):
            return None
        at = {s: np.array([v]) for s, v in self._at(N, D).items()}
        mean_s1 = np.asarray(self.draws(**{**at, "N": N, "D": D, **self.inputs})).reshape(-1, 1)
        form = self.form(N, D)
        return spread(self.model, form.growth if form else 0.0, mean_s1, at)[:, 0]

    def errors(self, N: float, D: float) -> Numbers | float:
        """Return one log error (s, 1) of a run for each draw: its noise, and that of the form."""
        if self.draws is None or isinstance(self.model, Published):
            return 0.0
        form = self.form(N, D)
        error_s = errors(self.model, form.growth if form else 0.0, self._at(N, D), self.loss(N, D))
        return error_s[:, None]

    def _at(self, N: float, D: float) -> dict[str, float]:
        """Return the inputs of the model at a run."""
        inputs = {"N": N, "D": D, **self.inputs}
        return {s: inputs[s] for s in self.model.binding.takes}


def ask(
    model: Model,
    numbers: Mapping[str, float],
    *,
    cost: Cost | None = None,
    serving: float | Serving | None = None,
    unique: float | None = None,
    inputs: Mapping[str, float] | None = None,
    convention: Mapping[str, str] | None = None,
    family: ModelFamily | None = None,
    level: float | None = None,
    growth: float | None = None,
) -> PlanningProblem:
    """Return a request that makes sense; `numbers` are those that must be above zero, by name.

    Raises UsageError for a number that is not above zero, NoOptimum for a law without N and D,
    RefusedByData for a refused fit, ConventionMismatch for counts that differ.
    """
    extra = {**(inputs or {}), **({} if unique is None else {"U": unique})}
    for name, value in {**numbers, **extra}.items():
        refuse_impossible(name, value)
    refuse_level(level)
    model = _repeatable(_supported(model), unique)
    law = repeating(model.law, unique)
    draws = None if model.draws is None else repeating(model.draws, unique)
    notes = () if law is model.law else (repeats_note(),)
    _check_law(model, law, extra)
    budget = numbers.get("C")
    counts = counting(model, convention, family, budget)
    return PlanningProblem(
        model=model,
        law=law,
        draws=draws,
        inputs=extra,
        cost=_costed(cost, serving, counts),
        level=level or (0.9 if isinstance(model, Published) else model.level),
        notes=notes,
        growth=growth,
    )


def _costed(cost: Cost | None, serving: float | Serving | None, counts: Counting) -> Cost:
    priced = cost or Cost()
    if serving is not None:
        priced = dataclasses.replace(priced, serving=served(serving))
    return dataclasses.replace(priced, counting=counts) if priced.counting.linear else priced


def _check_law(model: Model, law: LossLaw, extra: Mapping[str, float]) -> None:
    takes = set(law.takes)
    named = ", ".join(model.binding.takes)
    if not {"N", "D"} <= takes:
        raise NoOptimum(f"{law.key} takes {named}; a plan needs a law of N and D")
    if chosen := sorted({"N", "D"} & set(extra)):
        raise UsageError(f"{chosen[0]} is what a plan chooses; leave it out of --inputs (inputs=)")
    if missing := sorted(takes - {"N", "D"} - set(extra)):
        raise UsageError(
            f"{law.key} takes {named}; beside what a plan chooses in a law of N and D it needs "
            f"{', '.join(missing)}: say --inputs {','.join(f'{s}=...' for s in missing)}"
        )
    if unknown := sorted(set(extra) - takes):
        raise UsageError(f"{law.key} does not take {unknown[0]}; it takes {', '.join(law.takes)}")
    if isinstance(model, Published):
        return
    if model.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its plan: {model.notes[0]}")
    for fit in fits_of(model):
        refuse_split(fit)


def _repeatable(model: Model, unique: float | None) -> Model:
    """Return a pool without the laws that cannot say what repeated tokens are worth."""
    if unique is None or isinstance(model, Published | Fit):
        return model
    out = [m for m in model.members if not knows_repeats(m.fit.law)]
    if not out or len(out) == len(model.members):
        return model
    names = ", ".join(m.candidate.name for m in out)
    text = f"left out of this plan, as they do not say what repeated tokens are worth: {names}"
    return model.without(out, [Note("info", "repeats", text)])


def _supported(model: Model) -> Model:
    """Return a pool without the members whose runs cannot tell size from data; else the model."""
    if isinstance(model, Published | Fit):
        return model
    out, reasons = [], []
    for member in model.members:
        try:
            refuse_split(member.fit)
        except RefusedByData as reason:
            out.append(member)
            text = f"{member.candidate.name} is left out of the plan: {reason}"
            reasons.append(Note("doubt", "left-out", text))
    return model.without(out, reasons) if 0 < len(out) < len(model.members) else model


def rising_left_out(problem: PlanningProblem, N: float, D: float) -> PlanningProblem | None:
    """Return the problem without members of a pool that can say nothing at a plan; None if all can.

    Raises RefusedByData if none can.
    """
    model = problem.model
    if isinstance(model, Published | Fit):
        return None
    rest = sound(model, problem._at(N, D))
    if rest is model:
        return None
    unique = problem.inputs.get("U")
    draws = None if rest.draws is None else repeating(rest.draws, unique)
    return dataclasses.replace(problem, model=rest, law=repeating(rest.law, unique), draws=draws)


def unreaching_left_out(
    problem: PlanningProblem, reaches: Callable[[LossLaw], bool]
) -> PlanningProblem | None:
    """Return the problem without members of a pool that never reach a loss; None if no use.

    A law whose loss rises again far out takes the mean of a pool with it.
    """
    model, unique = problem.model, problem.inputs.get("U")
    if isinstance(model, Published | Fit):
        return None
    out = [m for m in model.members if not reaches(repeating(m.fit.law, unique))]
    if not out or len(out) == len(model.members):
        return None
    names = ", ".join(m.candidate.name for m in out)
    text = f"left out of this plan, as their loss never comes that low or rises far out: {names}"
    rest = model.without(out, [Note("doubt", "left-out", text)])
    draws = None if rest.draws is None else repeating(rest.draws, unique)
    return dataclasses.replace(problem, model=rest, law=repeating(rest.law, unique), draws=draws)


def _share_unstated(problem: PlanningProblem) -> list[Note]:
    """Return a note on a mixture whose N counts what a token does not meet."""
    mixed = [name for name in _MIXTURES if problem.inputs.get(name)]
    if not mixed or problem.cost.active < 1 or problem.model.conventions.get("N") == "active":
        return []
    return [
        Note(
            "info",
            "convention",
            f"C counts all of N, of which a token meets a share in a mixture of {mixed[0]} "
            f"{show(problem.inputs[mixed[0]])}: say which with --active (active=)",
        )
    ]


def basis(problem: PlanningProblem, N: float, D: float) -> tuple[Note, ...]:
    """Return what a reader must know of the law and the counts behind a plan, worst first.

    Raises RefusedByData where the runs behind the law can say nothing of such a run.
    """
    model, counts = problem.model, problem.cost.counting
    fresh = () if "U" in problem.inputs else beyond_stock(D)
    notes = [*problem.notes, *fresh, *problem.cost.notes]
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
                "published constants have no draws, so there are no intervals",
            ),
        )
        outside = model.outside({"N": N, "D": D, **problem.inputs})
        return (*model.notes, *outside, *notes)
    at = {s: {"N": N, "D": D, **problem.inputs}[s] for s in model.binding.takes}
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
