"""fit(law, runs) -> Fit: many starts, one batched solve, draws, and an honest status."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, CannotFit, Note, UsageError, amount
from isoflop.fitting import few_runs, starts
from isoflop.fitting.consistency import contradictions, missing_inputs, stragglers
from isoflop.fitting.diagnose import Optimum, Solved, diagnose, refuse_hopeless, unstated
from isoflop.fitting.draws import MANY, draw, run_weights
from isoflop.fitting.follow import follow
from isoflop.fitting.noise import EXACT, rounding_value
from isoflop.fitting.objective import Objective, objective
from isoflop.fitting.problem import FitProblem, pose
from isoflop.fitting.resample import BLOCK, Kind, Resampling
from isoflop.fitting.result import Fit, Interval, quantiles
from isoflop.fitting.solve import Damping, descend, refine, solve
from isoflop.fitting.swept import best_of_sweeps
from isoflop.fitting.trust import Starts
from isoflop.fitting.whole_runs import by_whole_runs
from isoflop.law import Binding, Law, form
from isoflop.quantities import FROM_ZERO, refuse_draws
from isoflop.runs import Runs, Tabular, as_runs
from isoflop.runs.cells import ABOVE_ZERO

__all__ = [
    "Beginning",
    "Fit",
    "Interval",
    "Starts",
    "fit",
    "follow",
    "quantiles",
    "refit",
    "reopen",
    "run_weights",
    "search",
]

L = TypeVar("L", bound=Law)

SCREENED, POLISHED = 1024, 24
DIAGNOSED = BLOCK  # draws that a status looks at
TIE = 1e-9  # relative difference of objectives under which optima are equally low
NEAR = 1e-3  # relative difference of distances from a start under which optima are the same


# The overloads only say that a class gives a typed fit; the options are those of the function.
@overload
def fit(law: type[L], runs: Tabular, **options: Any) -> Fit[L]: ...
@overload
def fit(law: str, runs: Tabular, **options: Any) -> Fit[Any]: ...
@np.errstate(all="ignore")  # type: ignore[misc]  # what overflows is never the answer
def fit(
    law: str | type[Law],
    runs: Tabular,
    *,
    objective: str | Objective = "huber",
    delta: float | None = None,
    residuals: Literal["log", "linear"] | None = None,
    over: str | None = None,
    predicts: str | None = None,
    fix: Mapping[str, float] | None = None,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
    resample: Kind = "pairs",
    stratify: str | None = None,
    cluster: str | None = None,
    start: Mapping[str, float] | Law | None = None,
    screened: int = SCREENED,
    polished: int = POLISHED,
) -> Fit[Any]:
    """Return `law` fitted to `runs`, with `draws` refits to resampled runs behind its intervals.

    `runs` may be what `isoflop.read` takes, such as a data frame.
    `objective` is "huber" (on `delta`, 1e-3 unless given), "squared", "asymmetric" or
    "student-t", of log or linear `residuals` as the law says unless the caller does. `over` and
    `predicts` bind the open symbols of a power law. `fix` pins parameters. `start`, of all that are
    free, is one more place to begin at; with `screened` and `polished` 1 the only one. Draws are
    made by `resample`: pairs, "wild" (signs of residuals) or "jackknife" (one left out at a time);
    within each value of `stratify`, or of whole groups of `cluster` (a column or label), which are
    whole runs where rows are points of them and nothing else is said; of few runs, as `few_runs`
    says. A column `sigma` (noise of the output) weighs runs by 1/sigma^2.

    Raises CannotFit if the runs cannot pin the law down, BadRuns for values that no run can
    have, UsageError for a request that makes no sense, BadLaw for a formula without derivatives.
    Source: Hoffmann et al. 2022, arXiv:2203.15556, section D.3, for the default objective.
    """
    began, runs = time.perf_counter(), as_runs(runs)
    binding = Binding(form(law) if isinstance(law, str) else law, over, predicts)
    target, runs = _objective(objective, delta), best_of_sweeps(runs, binding)
    how, notes = by_whole_runs(Resampling(resample, stratify, cluster), runs)
    _check_options(draws, level, screened, polished)
    problem = _pose(binding, runs, fix, residuals)
    refuse_hopeless(problem, binding.takes)
    weights_n, rng = run_weights(runs), np.random.default_rng(seed)
    begin_p = None if start is None else problem.beginning(start)
    begin = Beginning(screened, polished, begin_p)
    optimum = search(problem, weights_n, target, rng, begin)
    z_sp = draw(Solved(problem, target, optimum), runs, how, max(draws, DIAGNOSED), rng)
    doubts = (
        *runs.doubts_of((*binding.takes, binding.predicts)),
        *(note for note in (*notes, *runs.notes) if note.kind == "doubt"),
        *_contradictions(problem, optimum, runs, binding),
    )
    # A status hangs on the first draws alone, so that it is the same for any number of them.
    verdict = diagnose(problem, binding.takes, optimum, problem.law(z_sp[:DIAGNOSED]), doubts)
    ensemble_sp = z_sp if how.kind == "jackknife" else z_sp[:draws]
    return Fit(
        law=problem.law(optimum.z_p),
        draws=problem.law(ensemble_sp) if draws else None,
        runs=runs,
        binding=binding,
        objective=target,
        value=optimum.value,
        kind=problem.kind,
        starts=optimum.starts,
        fixed=tuple(problem.fixed),
        conditioning=verdict.conditioning,
        level=level,
        seed=seed,
        resampling=str(how),
        status=verdict.status,
        notes=(*verdict.notes, *_remarks(runs, problem, binding, notes)),
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True, eq=False)
class Beginning:
    """Where a search begins: the best `polished` of `screened` starts, and `at_p` (p,) if any.

    That takes the first place of the polished.
    """

    screened: int = SCREENED
    polished: int = POLISHED
    at_p: Numbers | None = None


def search(
    problem: FitProblem,
    weights_n: Numbers,
    target: Objective,
    rng: np.random.Generator,
    begin: Beginning = Beginning(),
) -> Optimum:
    """Return the lowest point that the best of many starts descend to.

    Of optima that are equally low, such as those of a law whose terms may change places, the one
    nearest to the start `begin.at_p` is returned, or to the middle of typical ranges. Of more than
    `MANY` runs a sample sorts the starts out, and its optimum descends on all.
    """
    if weights_n.size > MANY:
        part = rng.choice(weights_n.size, MANY, replace=False)
        few = problem.sample(part)
        first = search(few, weights_n[part], target, rng, begin)
        ends = solve(
            problem.residuals,
            first.z_p[None],
            weights_n[None],
            target,
            damping=Damping(near=True, scaled=problem.has_unbounded),
        )
        return _ended(problem, ends.z_sp[0], weights_n, target, first.starts)
    spread = starts.spread(problem, rng, begin.screened)
    best_sp = starts.best(problem, spread, weights_n, target, begin.polished)
    if begin.at_p is not None:
        best_sp = np.concatenate([begin.at_p[None], best_sp])[: begin.polished]
    both = problem.has_unbounded
    ends = descend(problem.residuals, best_sp, weights_n[None], target, both=both)
    z_sp, value_s = ends.z_sp, ends.value_s
    least = float(value_s.min())
    if not np.isfinite(least):
        raise CannotFit(
            f"{problem.form.key} has no value at these runs from any of its {begin.screened:,} "
            "starts; look at the size of the numbers, or give a start= that has one"
        )
    # Runs without noise leave nothing but rounding, in which no two starts agree.
    nothing = rounding_value(problem, weights_n, target)
    agree = int((value_s <= least * (1 + 1e-6) + nothing).sum())
    alike = np.flatnonzero(value_s <= least * (1 + TIE) + EXACT * nothing)
    away_s = starts.distance(problem, z_sp[alike], begin.at_p)
    near = alike[away_s <= away_s.min() * (1 + NEAR) + NEAR**2]
    z_p = z_sp[near[int(np.argmin(value_s[near]))]]
    return _ended(problem, z_p, weights_n, target, Starts(begin.screened, len(best_sp), agree))


def _ended(
    problem: FitProblem, z_p: Numbers, weights_n: Numbers, target: Objective, counted: Starts
) -> Optimum:
    """Return the optimum next to z_p, with its objective and what is left of its gradient."""
    z_p = refine(problem.residuals, z_p, weights_n, target)
    r_sn, J_spn = problem.residuals(z_p[None])
    gradient_p = J_spn[0] @ (weights_n * target.slope(r_sn[0]))
    return Optimum(
        z_p,
        float((weights_n * target.loss(r_sn[0])).sum()),
        float(np.abs(gradient_p).max()),
        counted,
    )


def _objective(choice: str | Objective, delta: float | None) -> Objective:
    if isinstance(choice, str):
        return objective(choice, delta)
    if delta is not None:
        raise UsageError("delta belongs to an objective given by name; set it on the object")
    return choice


def _check_options(draws: int, level: float, screened: int, polished: int) -> None:
    refuse_draws(draws, level)
    if not 1 <= polished <= screened:
        raise UsageError(f"{polished} polished of {screened} screened starts; give 1 to {screened}")


def _pose(
    binding: Binding,
    runs: Runs,
    fix: Mapping[str, float] | None,
    residuals: Literal["log", "linear"] | None,
) -> FitProblem:
    """Return the problem, once every cell that it needs has been checked."""
    kind = residuals or binding.form.residuals
    if not len(runs):
        raise BadRuns("there are no runs to fit")
    runs.refuse_implausible()
    positive = {s for s in binding.takes if s in ABOVE_ZERO}
    positive |= {binding.predicts} if kind == "log" else set()
    runs.require((*binding.takes, binding.predicts), positive=positive)
    columns = {s: runs[s] for s in (*binding.takes, binding.predicts)}
    problem = pose(binding, columns, fix, kind)
    starts.refuse_unfollowed(problem)
    signed = [s for s in binding.takes if s not in FROM_ZERO and not (columns[s] > 0).all()]
    if signed and not starts.have_values(problem):
        runs.require(signed)  # a power, or a log, takes no zero
    return problem


def _contradictions(
    problem: FitProblem, optimum: Optimum, runs: Runs, binding: Binding
) -> tuple[Note, ...]:
    far, left_n = stragglers(runs, binding), problem.values(optimum.z_p[None])[0]
    if problem.kind != "log":
        typical = max(float(np.median(np.abs(problem.output_n))), 1e-300)
        return far + missing_inputs(runs, binding, left_n / typical)
    missing = missing_inputs(runs, binding, left_n)
    return far + contradictions(runs, binding, left_n) + missing


def _remarks(
    runs: Runs, problem: FitProblem, binding: Binding, whole_run_notes: tuple[Note, ...]
) -> tuple[Note, ...]:
    """Return what a reader must know of the runs: conventions not stated, and their own notes."""
    symbols = [s for s in (*binding.takes, binding.predicts) if s in ("N", "C")]
    notes = [unstated(s) for s in symbols if s not in runs.conventions]
    if len(runs) > MANY:
        notes.append(
            Note(
                "info",
                "sampled",
                f"starts and draws are of a sample of {MANY:,} of the {len(runs):,} runs",
            )
        )
    free = len(problem.free)
    if (spare := len(runs) - free) <= few_runs.FEW:
        notes.append(
            Note(
                "info",
                "few-runs",
                f"{amount(spare, 'run', 'runs')} beyond the {free} parameters are too few to "
                f"resample: "
                "intervals are of outputs drawn anew, as wide as Student's t says",
            )
        )
    before, after = (
        [n for n in part if n.kind == "info"] for part in (whole_run_notes, runs.notes)
    )
    return (*before, *notes, *after)


def reopen(fitted: Fit[Any]) -> FitProblem:
    """Return the problem that a fit solved, to be solved again with other weights."""
    symbols = (*fitted.binding.takes, fitted.binding.predicts)
    fixed = {name: float(getattr(fitted.law, name)) for name in fitted.fixed}
    return pose(fitted.binding, {s: fitted.runs[s] for s in symbols}, fixed, fitted.kind)


def refit(fitted: Fit[L], runs: Runs) -> Fit[L]:
    """Return the same law fitted in the same way to other runs."""
    law, binding = fitted.law, fitted.binding
    how = Resampling.read(fitted.resampling)
    return fit(
        type(law),
        runs,
        objective=fitted.objective,
        residuals=fitted.kind,
        over=binding.over,
        predicts=binding.output,
        fix={k: getattr(law, k) for k in fitted.fixed},
        draws=0 if fitted.draws is None else fitted.draws.members or 0,
        level=fitted.level,
        seed=fitted.seed,
        resample=how.kind,
        stratify=how.stratify,
        cluster=how.cluster,
    )
