"""How far a fit can be trusted, in a reader's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, Note, amount
from isoflop.fitting.objective import Objective
from isoflop.fitting.problem import FitProblem
from isoflop.fitting.support import gaps
from isoflop.fitting.trust import Starts, Status
from isoflop.law import Law
from isoflop.quantities import quantity, show

SINGULAR = 1e13  # conditioning beyond which double precision holds no answer
WEAK_FACTOR = 30.0  # an amplitude that the draws leave uncertain by more is not known
WEAK_FLOOR = 0.2  # a floor whose low end is a smaller share of its high end is not known
FEW_AGREE = 3
MISFIT = 0.5  # of the output that a law may leave over before it is doubted
SPARE = 4  # runs beyond the parameters from which 90% intervals were measured to hold 85 to 95%
EDGE = 13.8  # a log: 1e-6 of a range, of the scaled output or of a typical value is on the bound


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where a search ended: the point z_p, its objective, the gradient there, and its starts."""

    z_p: Numbers
    value: float
    gradient: float
    starts: Starts


@dataclass(frozen=True, slots=True)
class Solved:
    """A problem, the objective by which it was solved, and where that ended."""

    problem: FitProblem
    target: Objective
    optimum: Optimum


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A status, the notes that explain it, worst first, and the conditioning."""

    status: Status
    notes: tuple[Note, ...]
    conditioning: float


def refuse_hopeless(problem: FitProblem, symbols: tuple[str, ...]) -> None:
    """Raise CannotFit for runs that are too few, or too alike, for the law's parameters."""
    n, p = problem.output_n.size, len(problem.free)
    law = problem.form.key
    if n <= p:
        there = "there is 1 run" if n == 1 else f"there are {n} runs"
        raise CannotFit(
            f"{law} has {p} free parameters ({', '.join(problem.free)}) and {there}; "
            f"at least {p + 1} are needed: add runs, or fix parameters with --fix NAME=VALUE"
        )
    for symbol, column, form_symbol in zip(
        symbols, problem.inputs, problem.form.takes, strict=True
    ):
        if np.ptp(column) == 0 and not _is_pinned(problem, form_symbol):
            raise CannotFit(
                f"{symbol} has one value in all {n} runs; {law} cannot learn how "
                f"{problem.form.predicts} changes with it: add runs at other {symbol}"
            )
    distinct = len(np.unique(np.stack(problem.inputs), axis=1).T)
    if distinct < p:
        raise CannotFit(
            f"the {n} runs stand at {distinct} different points; {law} has {p} free parameters: "
            "add runs elsewhere, or fix parameters with --fix NAME=VALUE"
        )


def _is_pinned(problem: FitProblem, symbol: str) -> bool:
    """Return whether every parameter that goes with an input is pinned, so that none is learnt.

    They are those whose unit holds the unit of the input, and the exponents in it: B and beta
    of the unit nats/token * tokens^beta go with D.
    """
    base = f"{quantity(symbol).unit}^"
    terms: set[str] = set()
    for name, p in problem.form.params.items():
        powers = [part[len(base) :] for part in p.unit.split(" * ") if part.startswith(base)]
        terms |= {name, *powers} if powers else set()
    return bool(terms) and not terms & set(problem.free)


def diagnose(
    problem: FitProblem,
    symbols: tuple[str, ...],
    optimum: Optimum,
    draws: Law,
    doubts: Sequence[Note] = (),
) -> Diagnosis:
    """Return what the solver, the placing of the runs and the draws say of the fit found.

    `doubts` are those that the runs themselves have raised.
    """
    z_p, starts = optimum.z_p, optimum.starts
    touched = _touched(problem, z_p)
    conditioning, mixed = condition_number(problem, z_p, {name for name, _ in touched})
    refusals, doubts = list[Note](), list(doubts)
    spare = problem.output_n.size - z_p.size
    if spare < SPARE:
        doubts.append(
            Note(
                "doubt",
                "few-runs",
                f"only {amount(spare, 'run', 'runs')} more than parameters: how far each run lies "
                f"off "
                f"the law is hardly known; add runs, or fix parameters, until there are {SPARE}",
            )
        )
    if conditioning > SINGULAR:
        refusals.append(
            Note(
                "refused",
                "conditioning",
                f"the runs cannot tell {' and '.join(mixed)} apart (conditioning "
                f"{conditioning:.0e}): "
                "their values mean nothing; add runs off the present line, or fix one of them",
            )
        )
    if starts.agree < FEW_AGREE:
        doubts.append(
            Note(
                "doubt",
                "starts",
                f"only {starts.agree} of {starts.polished} polished starts reached this optimum; "
                "there may be a better one: fit again with another seed or more starts",
            )
        )
    if optimum.gradient > 1e-3 * optimum.value + problem.rounding * problem.output_n.size:
        doubts.append(
            Note(
                "doubt",
                "gradient",
                f"the solver stopped on a slope (gradient {optimum.gradient:.1e} at "
                f"{optimum.value:.3e})",
            )
        )
    doubts += _misfit(problem, z_p)
    doubts += [gap.note for gap in gaps(problem, symbols, conditioning)]
    doubts += [
        Note("doubt", "bound", f"{name} touches its bound at {bound:g}", symbol=name)
        for name, bound in touched
    ]
    doubts += _weak(problem, draws, {name for name, _ in touched})
    status: Status = "refused" if refusals else "doubtful" if doubts else "ok"
    return Diagnosis(status, (*refusals, *doubts), conditioning)


def _misfit(problem: FitProblem, z_p: Numbers) -> list[Note]:
    """Return a doubt where the law misses the very runs that it was fitted to by half and more."""
    residuals = problem.values(z_p[None])[0]
    if problem.kind != "log":
        return []
    missed = float(np.sqrt((np.expm1(residuals) ** 2).mean()))
    if missed <= MISFIT:
        return []
    return [
        Note(
            "doubt",
            "misfit",
            f"the law misses the runs that it was fitted to by {missed:.0%} (root mean square): "
            "something else was varied, or it is another law",
        )
    ]


def condition_number(
    problem: FitProblem, z_p: Numbers, touched: set[str]
) -> tuple[float, list[str]]:
    """Return the condition number of J'J, and the parameters that its weakest direction mixes.

    A parameter on its bound, off which nothing moves it, is left out.
    """
    _, J_spn = problem.residuals(z_p[None])
    J_pn = J_spn[0]
    norms = np.linalg.norm(J_pn, axis=1)
    moving = [i for i, k in enumerate(problem.free) if norms[i] > 0 or k not in touched]
    free = [problem.free[i] for i in moving]
    J_pn, norms = J_pn[moving], norms[moving]
    if not moving:
        return 1.0, []
    if not norms.min() > 0:
        return np.inf, [free[i] for i in np.flatnonzero(~(norms > 0))]
    sizes, directions = np.linalg.eigh((J_pn / norms[:, None]) @ (J_pn / norms[:, None]).T)
    weakest = np.abs(directions[:, 0])
    mixed = [k for k, w in zip(free, weakest, strict=True) if w > 0.3]
    return float(sizes[-1] / max(sizes[0], 1e-300)), mixed


def _touched(problem: FitProblem, z_p: Numbers) -> list[tuple[str, float]]:
    """Return the parameters that lie on a bound, and that bound."""
    out = []
    for name, z in zip(problem.free, z_p, strict=True):
        low, high = problem.form.params[name].bounds
        one_end = np.isinf(low) != np.isinf(high)
        near = np.log(problem.unit_distance(name)) if one_end else 0.0
        if np.isfinite(low) and z < near - EDGE:
            out.append((name, low))
        elif np.isfinite(high) and z > EDGE - near:
            out.append((name, high))
    return out


def unstated(symbol: str) -> Note:
    """Return the remark that nobody stated how a quantity is counted."""
    text = f"the convention by which {symbol} is counted is not stated"
    return Note("info", "convention", text, symbol=symbol)


def _weak(problem: FitProblem, draws: Law, names: set[str]) -> list[Note]:
    """Return a note for each parameter that the draws scatter too widely to be called known."""
    notes = []
    for name in problem.free:
        if name in names:
            continue
        low, high = np.nanquantile(getattr(draws, name), [0.05, 0.95])
        amplitude = "^" in problem.form.params[name].unit
        if amplitude and low > 0 and high / low > WEAK_FACTOR:
            notes.append(
                Note(
                    "doubt",
                    "scatter",
                    f"{name} is known only within a factor of {show(high / low, 2)} "
                    f"({show(low)} to {show(high)})",
                    symbol=name,
                )
            )
        elif problem.form.params[name].unit == "1" and high - low > abs(high + low) / 2:
            notes.append(
                Note(
                    "doubt",
                    "scatter",
                    f"{name} is hardly known: {show(low)} to {show(high)} at 90%",
                    symbol=name,
                )
            )
        elif problem.form.params[name].unit == quantity(problem.form.predicts).unit and (
            high > 0 and low < WEAK_FLOOR * high
        ):
            notes.append(
                Note(
                    "doubt",
                    "scatter",
                    f"{name} may be anything from {show(low)} to {show(high)}: the runs hardly "
                    f"see it; "
                    "add some where it counts for more",
                    symbol=name,
                )
            )
    return notes
