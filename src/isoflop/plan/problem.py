"""What every verb of planning does: check what is asked, and say what an answer rests on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from isoflop.accounting import ModelFamily
from isoflop.assess.identifiability import refuse_split, refuse_unsupported
from isoflop.atlas.text_stock import beyond_stock
from isoflop.errors import NoOptimum, Note, RefusedByData, UsageError
from isoflop.fitting import Fit
from isoflop.forecasting import FAR, beyond
from isoflop.law import Law, Published
from isoflop.plan.conventions import EXACT, counting
from isoflop.plan.cost import Cost, Counting, Serving, served
from isoflop.plan.repeats import repeating, repeats_note
from isoflop.quantities import refuse_impossible, refuse_level, show

_MIXTURES = ("experts", "sparsity", "granularity")  # inputs by which a token meets a part of N

Model: TypeAlias = Fit[Any] | Published


@dataclass(frozen=True, eq=False)
class PlanningProblem:
    """A law, its draws and its other inputs, the cost to count by, and the level of intervals."""

    model: Model
    law: Law
    draws: Law | None
    given: dict[str, float]
    cost: Cost
    level: float
    notes: tuple[Note, ...]

    def loss(self, N: Any, D: Any) -> float:
        """Return the loss at N [params] and D [tokens]."""
        return float(np.ravel(self.law(N=N, D=D, **self.given))[0])


def ask(
    model: Model,
    numbers: Mapping[str, float],
    *,
    cost: Cost | None = None,
    serving: float | Serving | None = None,
    unique: float | None = None,
    given: Mapping[str, float] | None = None,
    convention: Mapping[str, str] | None = None,
    family: ModelFamily | None = None,
    level: float | None = None,
) -> PlanningProblem:
    """Return a request that makes sense; `numbers` are those that must be above zero, by name.

    Raises UsageError for a number that is not above zero, NoOptimum for a law without N and D,
    RefusedByData for a refused fit, ConventionMismatch for counts that differ.
    """
    extra = {**(given or {}), **({} if unique is None else {"U": unique})}
    for name, value in {**numbers, **extra}.items():
        refuse_impossible(name, value)
    law = repeating(model.law, unique)
    draws = None if model.draws is None else repeating(model.draws, unique)
    notes = () if law is model.law else (repeats_note(),)
    _check_law(model, law, extra)
    refuse_level(level)
    budget = numbers.get("C")
    counts = counting(model, convention, family, budget)
    return PlanningProblem(
        model=model,
        law=law,
        draws=draws,
        given=extra,
        cost=_costed(cost, serving, counts),
        level=level or (model.level if isinstance(model, Fit) else 0.9),
        notes=notes,
    )


def _costed(cost: Cost | None, serving: float | Serving | None, counts: Counting) -> Cost:
    priced = cost or Cost()
    if serving is not None:
        priced = dataclasses.replace(priced, serving=served(serving))
    return dataclasses.replace(priced, counting=counts) if priced.counting.linear else priced


def _check_law(model: Model, law: Law, extra: Mapping[str, float]) -> None:
    takes = set(law.takes)
    named = ", ".join(model.binding.takes)
    if not {"N", "D"} <= takes:
        raise NoOptimum(f"{law.key} takes {named}; a plan needs a law of N and D")
    if chosen := sorted({"N", "D"} & set(extra)):
        raise UsageError(f"{chosen[0]} is what a plan chooses; leave it out of --given (given=)")
    if missing := sorted(takes - {"N", "D"} - set(extra)):
        raise UsageError(
            f"{law.key} takes {named}; beside what a plan chooses in a law of N and D it needs "
            f"{', '.join(missing)}: say --given {','.join(f'{s}=...' for s in missing)}"
        )
    if unknown := sorted(set(extra) - takes):
        raise UsageError(f"{law.key} does not take {unknown[0]}; it takes {', '.join(law.takes)}")
    if isinstance(model, Published):
        return
    if model.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its plan: {model.notes[0]}")
    refuse_split(model)


def _share_unstated(problem: PlanningProblem) -> list[Note]:
    """Return a note on a mixture whose N counts what a token does not meet."""
    mixed = [name for name in _MIXTURES if problem.given.get(name)]
    if not mixed or problem.cost.active < 1 or problem.model.conventions.get("N") == "active":
        return []
    return [
        Note(
            "info",
            "convention",
            f"C counts all of N, of which a token meets a share in a mixture of {mixed[0]} "
            f"{show(problem.given[mixed[0]])}: say which with --active (active=)",
        )
    ]


def basis(problem: PlanningProblem, N: float, D: float) -> tuple[Note, ...]:
    """Return what a reader must know of the law and the counts behind a plan, worst first.

    Raises RefusedByData where the runs behind the law can say nothing of such a run.
    """
    model, counts = problem.model, problem.cost.counting
    fresh = () if "U" in problem.given else beyond_stock(D)
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
        outside = model.outside({"N": N, "D": D, **problem.given})
        return (*model.notes, *outside, *notes)
    at = {s: {"N": N, "D": D, **problem.given}[s] for s in model.binding.takes}
    refuse_unsupported(model, at)
    far = beyond(model, at)
    if far > 1:
        kind: Literal["info", "doubt"] = "doubt" if far > FAR else "info"
        text = f"the plan lies {show(far)} times beyond the runs behind the law"
        notes.insert(0, Note(kind, "distance", text))
    return (*(model.notes if model.status != "ok" else ()), *notes)
