"""Chinchilla's three approaches to one study: envelope, IsoFLOP profiles and parametric law."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.assess.shape import rising
from isoflop.errors import RefusedByData, UsageError
from isoflop.fitting import Fit, fit, quantiles
from isoflop.fitting.envelope import Envelope, envelope
from isoflop.fitting.frontier import Frontier
from isoflop.fitting.isoflop_profile import Curve, Profiles, isoflop_profiles
from isoflop.law import Allocation, Law
from isoflop.plan.optimum import optimum
from isoflop.plan.result import Estimate
from isoflop.quantities import show
from isoflop.runs import Runs

Numbers = npt.NDArray[np.float64]

CURVES: tuple[Curve, ...] = ("parabola", "cubic", "akima")
NARROW = 1.02  # a factor of C over which the exponents of a law are taken


@dataclass(frozen=True, slots=True)
class Approach:
    """What one approach says: exponents a, b of N* and D* in C, and the best split of a budget.

    `bias` is by what share its N and D land off, on this study's grid, where the losses are those
    of the parametric law without noise; None for the law itself, or where there is none.
    """

    name: str
    a: Estimate
    b: Estimate
    N: Estimate
    D: Estimate
    ratio: Estimate
    bias: Allocation | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """The approaches side by side at C [FLOP], and what each was made of.

    `refused` holds the approaches that the runs cannot support, with the reason.
    """

    C: float
    level: float
    approaches: tuple[Approach, ...]
    refused: tuple[tuple[str, str], ...]
    envelope: Envelope | None
    profiles: tuple[Profiles, ...]
    fits: tuple[Fit[Any], ...]
    notes: tuple[str, ...]

    @property
    def factor(self) -> float:
        """By which factor the largest N* exceeds the smallest."""
        sizes = [approach.N.value for approach in self.approaches]
        return max(sizes) / min(sizes)


def approaches(
    runs: Runs,
    C: float,
    *,
    laws: Sequence[str] = ("chinchilla",),
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Comparison:
    """Return what each of Chinchilla's three approaches says of the best N and D at C [FLOP].

    The first law that can be fitted stands in for the truth by which the bias of the others is
    told. An approach that the runs cannot support is refused alone.

    Raises UsageError for a C that is not above zero, RefusedByData if every approach is refused.
    Source: Hoffmann et al. 2022, arXiv:2203.15556, section 3.
    """
    if not (np.isfinite(C) and C > 0):
        raise UsageError(f"C is {C}; it must be finite and above zero")
    refused: list[tuple[str, str]] = []

    def attempt(name: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except RefusedByData as reason:
            refused.append((name, str(reason)))
            return None

    fits = tuple(filter(None, (
        attempt(f"3 {law}", lambda law=law: _fitted(law, runs, C, draws, level, seed))
        for law in laws
    )))  # fmt: skip
    truth = fits[0] if fits else None
    enveloped = attempt("1 envelope", lambda: envelope(runs, draws=draws, seed=seed))
    profiled = tuple(filter(None, (
        attempt(f"2 {curve}", lambda c=curve: isoflop_profiles(runs, curve=c, draws=draws, seed=seed))
        for curve in CURVES
    )))  # fmt: skip
    rows = []
    if enveloped is not None:
        bias = truth and _bias(truth, runs, C, lambda r: envelope(r, draws=0).frontier)
        rows.append(_drawn("1 envelope", enveloped.frontier, C, level, bias))
    for p in profiled:
        bias = truth and _bias(truth, runs, C, lambda r, p=p: _again(r, p, draws, seed))
        rows.append(_drawn(f"2 {p.curve}", p.frontier, C, level, bias))
    rows += [_of_law(fitted, C, level) for fitted in fits]
    if not rows:
        raise RefusedByData("; ".join(f"{name}: {reason}" for name, reason in refused))
    notes = _notes(C, enveloped, profiled, fits)
    return Comparison(C, level, tuple(rows), tuple(refused), enveloped, profiled, fits, notes)


def _fitted(law: str, runs: Runs, C: float, draws: int, level: float, seed: int) -> Fit[Any]:
    """Return a law of N and D fitted to runs, if it can be trusted to have an optimum."""
    made = fit(law, runs, draws=draws, level=level, seed=seed)
    if made.status == "refused":
        raise RefusedByData(made.notes[0])
    best = optimum(made.law, C)
    if not np.isfinite(best.N).all():
        raise RefusedByData(f"{law} has no best split of {show(C)} FLOP")
    return made


def _again(runs: Runs, made: Profiles, draws: int, seed: int) -> Frontier:
    """Return the frontier of other losses on the same grid, with the noise of the first."""
    again = isoflop_profiles(runs, curve=made.curve, draws=draws, seed=seed, noise=made.noise)
    return again.frontier


def _bias(
    truth: Fit[Any], runs: Runs, C: float, approach: Callable[[Runs], Frontier]
) -> Allocation | None:
    """Return by what share an approach misses the optimum of a law that made the losses itself."""
    made = {**runs.columns, "L": truth.predict(N=runs["N"], D=runs["D"])}
    try:
        found = approach(dataclasses.replace(runs, columns=made)).split(C)
    except RefusedByData:
        return None
    best = optimum(truth.law, C)
    return Allocation(
        N=float(found.N[0]) / float(np.ravel(best.N)[0]) - 1,
        D=float(found.D[0]) / float(np.ravel(best.D)[0]) - 1,
    )


def _drawn(
    name: str, frontier: Frontier, C: float, level: float, bias: Allocation | None
) -> Approach:
    split = frontier.split(C)
    numbers = (frontier.a, frontier.b, split.N, split.D, split.D / split.N)
    return Approach(name, *(_estimate(v[0], v[1:], level) for v in numbers), bias)


def _of_law(made: Fit[Any], C: float, level: float) -> Approach:
    """Return what a law says; its exponents are those at C."""

    def numbers(law: Law) -> tuple[Numbers, ...]:
        ends = np.array([C / NARROW, C, C * NARROW])
        split = optimum(law, ends)
        N, D = (np.reshape(v, (-1, 3)) for v in (split.N, split.D))
        width = 2 * np.log(NARROW)
        slopes = [np.log(v[:, 2] / v[:, 0]) / width for v in (N, D)]
        return (*slopes, N[:, 1], D[:, 1], D[:, 1] / N[:, 1])

    many = numbers(made.draws) if made.draws is not None else (np.zeros(0),) * 5
    pairs = zip(numbers(made.law), many, strict=True)
    return Approach(f"3 {made.law.key}", *(_estimate(v[0], m, level) for v, m in pairs), None)


def _estimate(value: float, draws: Numbers, level: float) -> Estimate:
    if not draws.size:
        return Estimate(float(value))
    return Estimate(float(value), *quantiles(draws, level))


def _notes(
    C: float,
    enveloped: Envelope | None,
    profiled: Sequence[Profiles],
    fits: Sequence[Fit[Any]],
) -> tuple[str, ...]:
    notes = []
    for made in fits:
        best = optimum(made.law, C)
        if up := rising(made.law, N=float(np.ravel(best.N)[0]), D=float(np.ravel(best.D)[0])):
            notes.append(
                f"3 {made.law.key} rises with {' and '.join(up)} at its own optimum: it is carried "
                "too far to mean anything there"
            )
        if made.status != "ok":
            notes += [f"3 {made.law.key}: {note}" for note in made.notes]
    for found, name in ((enveloped, "1 envelope"), (profiled[0] if profiled else None, "2")):
        notes += [f"{name}: {note}" for note in (found.notes if found is not None else ())]
    return tuple(dict.fromkeys(notes))
