"""Whether published models were trained on too little, by the optimum of a law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import ConventionMismatch, UsageError
from isoflop.quantities import show
from isoflop.report.display import Displayed

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.atlas.models import PublishedModel
    from isoflop.fitting import Fit
    from isoflop.law import Allocation, LossLaw, Published
    from isoflop.plan.problem import PlanningProblem

Verdict: TypeAlias = Literal["under-trained", "near", "over-trained", "unknown"]
VERDICTS: tuple[Verdict, ...] = ("under-trained", "near", "over-trained", "unknown")


@dataclass(frozen=True, slots=True)
class ModelVerdict(Displayed):
    """A model held against a law at its own compute.

    `best` are the tokens per parameter that the law asks for, from `low` to `high` where it has
    draws; `wasted` is the share of the compute that the law's best split does without, at equal
    loss. `beyond` is by what factor N or D lies outside the runs behind the law; None where their
    range is not known. `disputed` holds what other constants of the same form say, by set, where
    they say otherwise.
    """

    model: PublishedModel
    verdict: Verdict
    best: float | None = None
    low: float | None = None
    high: float | None = None
    wasted: float | None = None
    beyond: float | None = None
    disputed: tuple[tuple[str, Verdict], ...] = ()


def judge(
    models: Sequence[PublishedModel],
    fit: Fit[Any] | Pool | Published,
    *,
    near: float,
    inputs: Mapping[str, float] | None = None,
    level: float | None = None,
) -> tuple[ModelVerdict, ...]:
    """Return every model with its verdict; "unknown" where N or D was not disclosed.

    A model is near where its tokens per parameter lie within a factor `near` of the best for its
    compute 6ND, or of an end of the interval of that; below it is under-trained, above
    over-trained. A mixture is judged by the parameters that a token meets.

    Raises UsageError for a `near` below 1, ConventionMismatch for a law of other than total N,
    and what `PlanningProblem` raises.
    """
    if near < 1:
        raise UsageError(f"--near is {near:g}; it is a factor, 1 or more, such as 2")
    problem = held_against(fit, inputs, level)
    sized = [m for m in models if m.ratio is not None]
    if not sized:
        return tuple(ModelVerdict(m, "unknown") for m in models)
    sizes = np.array([m.met for m in sized], float)
    tokens = np.array([m.D.value for m in sized], float)
    low, value, high = best_ratios(problem, sizes, tokens)
    ratios = tokens / sizes
    wasted = _wasted(problem, sizes, tokens)
    rivals = [
        (rival.name, best_ratios(held_against(rival, inputs, level), sizes, tokens)[1])
        for rival in rivals_of(fit)
    ]
    has_draws, rows = problem.draws is not None, {}
    for i, model in enumerate(sized):
        verdict = _verdict(ratios[i], low[i], high[i], near)
        others = [(n, _verdict(ratios[i], r[i], r[i], near)) for n, r in rivals]
        rows[model.name] = ModelVerdict(
            model,
            verdict,
            best=float(value[i]),
            low=float(low[i]) if has_draws else None,
            high=float(high[i]) if has_draws else None,
            wasted=float(wasted[i]),
            beyond=_beyond(fit, sizes[i], tokens[i]),
            disputed=tuple((n, v) for n, v in others if v != verdict),
        )
    return tuple(rows.get(m.name, ModelVerdict(m, "unknown")) for m in models)


def held_against(
    model: Fit[Any] | Pool | Published, inputs: Mapping[str, float] | None, level: float | None
) -> PlanningProblem:
    """Return a law as planning asks it.

    Raises ConventionMismatch for a law of other than total N, since models print that.
    """
    from isoflop.plan.problem import PlanningProblem

    counted = model.conventions.get("N", "total")
    if counted != "total":
        raise ConventionMismatch(
            f"N of published models is total and N of the law is {counted}; hold them against a "
            "law of total N, such as chinchilla/besiroglu2024"
        )
    return PlanningProblem(model, inputs=inputs, level=level)


def rivals_of(model: Fit[Any] | Pool | Published) -> tuple[Published, ...]:
    """Return the other published sets of the same form that are not rounded too far to plan."""
    from isoflop.law import Published
    from isoflop.plan.rounding import rounded

    if not isinstance(model, Published):
        return ()
    return tuple(
        rival
        for rival in type(model.law).published.values()
        if rival is not model and not rounded(rival.law) and rival.conventions.get("N") == "total"
    )


def best_ratios(
    problem: PlanningProblem, N: Numbers, D: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return low, value and high (k,) of the best tokens per parameter at the compute of N and D.

    All three are the same where the law has no draws.
    """
    C = problem.priced.flop(N) * D
    value = _ratio(_split(problem, problem.law, C)).reshape(-1)
    if problem.draws is None:
        return value, value, value
    tail = (1 - problem.interval_level) / 2
    many = _ratio(_split(problem, problem.draws, C))
    low, high = np.nanquantile(many, [tail, 1 - tail], axis=0)
    return low, value, high


def _split(problem: PlanningProblem, law: LossLaw, C: Numbers) -> Allocation:
    from isoflop.plan import best

    return best(law, problem.priced, C, inputs=problem.all_inputs)


def _ratio(split: Allocation) -> Numbers:
    return np.asarray(split.D / split.N)


def _wasted(problem: PlanningProblem, N: Numbers, D: Numbers) -> Numbers:
    """Return the share of 6ND (k,) that the best split does without, at the loss of N and D."""
    from isoflop.plan import cheapest

    loss = np.asarray(problem.law(N=N, D=D, **problem.all_inputs))
    least = cheapest(problem.law, problem.priced, loss, inputs=problem.all_inputs)
    return np.asarray(1 - problem.priced.flop(least.N) * least.D / (problem.priced.flop(N) * D))


def _verdict(ratio: float, low: float, high: float, near: float) -> Verdict:
    if ratio * near < low:
        return "under-trained"
    return "over-trained" if ratio > near * high else "near"


def _beyond(model: Fit[Any] | Pool | Published, N: float, D: float) -> float | None:
    """Return the factor by which N or D lies outside the runs behind a law; 1 if inside."""
    from isoflop.forecasting import beyond
    from isoflop.law import Published

    if not isinstance(model, Published):
        return beyond(model, {s: {"N": N, "D": D}[s] for s in model.binding.takes if s in "ND"})
    at = {"N": N, "D": D}
    ends = [(at[s], *ends) for s, ends in model.valid.items() if s in at]
    return max(max(1.0, v / high, low / v) for v, low, high in ends) if ends else None


def named(model: Fit[Any] | Pool | Published) -> str:
    """Return the name of a law: LAW/SET of published constants, LAW of a fit."""
    return str(getattr(model, "key", model.law.key))


def rule(near: float, intervals: bool) -> str:
    """Return in words when a model is near."""
    ends = ", or of an end of its interval" if intervals else ""
    return (
        f"A model is near where its tokens per parameter lie within {show(near)} times the best "
        f"for its own compute 6ND by the law{ends}; below that it is under-trained, above it "
        "over-trained. That is of training alone: a model that serves many tokens is cheaper "
        "over its life when it is small and over-trained (isoflop serve)."
    )
