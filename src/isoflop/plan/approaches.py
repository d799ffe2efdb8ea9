"""Chinchilla's three approaches to one study: envelope, IsoFLOP profiles and parametric law."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.monotonicity import rising
from isoflop.errors import Note, RefusedByData
from isoflop.fitting import Fit, fit, quantiles
from isoflop.fitting.envelope import Envelope, envelope
from isoflop.fitting.frontier import OptimumFrontier
from isoflop.fitting.isoflop_profile import Profiles, isoflop_profiles
from isoflop.fitting.profile_curve import Curve
from isoflop.law import Allocation, Law
from isoflop.plan.optimum import optimum
from isoflop.plan.result import Estimate
from isoflop.quantities import refuse_draws, refuse_impossible, show
from isoflop.report.display import Displayed, interval, number
from isoflop.runs import Runs, Tabular, as_runs

Made = TypeVar("Made")

CURVES: tuple[Curve, ...] = ("parabola", "near", "cubic", "akima")
NARROW = 1.02  # a factor of C over which the exponents of a law are taken


@dataclass(frozen=True, slots=True)
class Approach(Displayed):
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
class ApproachComparison(Displayed):
    """The approaches side by side at C [FLOP], and what each was made of.

    `refused` holds the approaches that the runs cannot support, with the reason. `curve` is that
    of approach 2 by which sizes left out are missed by least, None where no curve can be drawn.
    """

    C: float
    level: float
    approaches: tuple[Approach, ...]
    refused: tuple[tuple[str, str], ...]
    envelope: Envelope | None
    profiles: tuple[Profiles, ...]
    curve: Curve | None
    fits: tuple[Fit[Any], ...]
    notes: tuple[Note, ...]
    runs: Runs

    def _facts(self) -> Iterator[str]:
        yield f"C={number(self.C)}"
        yield from (f"{approach.name}: N={interval(approach.N)}" for approach in self.approaches)

    @property
    def factor(self) -> float:
        """By which factor the largest N* exceeds the smallest."""
        sizes = [approach.N.value for approach in self.approaches]
        return max(sizes) / min(sizes)


def approaches(
    runs: Tabular,
    C: float,
    *,
    laws: Sequence[str] = ("chinchilla",),
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> ApproachComparison:
    """Return what each of Chinchilla's three approaches says of the best N and D at C [FLOP].

    The first law that can be fitted stands in for the truth by which the bias of the others is
    told. An approach that the runs cannot support is refused alone.

    Raises UsageError for a C that is not above zero, RefusedByData if every approach is refused.
    Source: Hoffmann et al. 2022, arXiv:2203.15556, section 3.
    """
    refuse_impossible("C", C)
    refuse_draws(draws, level)
    runs = as_runs(runs)
    ask = _Request(runs, C, draws, level, seed)
    fits = ask.each([(f"3 {law}", partial(_fitted, ask, law)) for law in laws])
    enveloped = ask.each([("1 envelope", partial(envelope, runs, draws=draws, seed=seed))])
    profiled = ask.each(
        [
            (f"2 {curve}", partial(isoflop_profiles, runs, curve=curve, draws=draws, seed=seed))
            for curve in CURVES
        ]
    )
    truth = fits[0] if fits else None
    rows = [
        _drawn(ask, "1 envelope", item.frontier, _bias(ask, truth, _enveloped))
        for item in enveloped
    ]
    for item in profiled:
        again = partial(_profiled, item.curve, item.noise)
        rows.append(_drawn(ask, f"2 {item.curve}", item.frontier, _bias(ask, truth, again)))
    rows += [_of_law(ask, item) for item in fits]
    if not rows:
        raise RefusedByData("; ".join(f"{name}: {reason}" for name, reason in ask.refused))
    return ApproachComparison(
        C=C,
        level=level,
        approaches=tuple(rows),
        refused=tuple(ask.refused),
        envelope=enveloped[0] if enveloped else None,
        profiles=tuple(profiled),
        curve=_best_curve(runs) if profiled else None,
        fits=tuple(fits),
        notes=_notes(C, enveloped, profiled, fits),
        runs=runs,
    )


@dataclass(frozen=True, eq=False)
class _Request:
    """What is asked of every approach, and those that had to refuse."""

    runs: Runs
    C: float
    draws: int
    level: float
    seed: int
    refused: list[tuple[str, str]] = field(default_factory=list)

    def each(self, makers: Sequence[tuple[str, Callable[[], Made]]]) -> list[Made]:
        """Return what the makers make, and remember the reasons of those that refuse."""
        out = []
        for name, make in makers:
            try:
                out.append(make())
            except RefusedByData as reason:
                self.refused.append((name, str(reason)))
        return out

    def estimate(self, value: float, draws: Numbers) -> Estimate:
        """Return a number with the interval that its draws (s,) give."""
        if not draws.size:
            return Estimate(float(value))
        return Estimate(float(value), *quantiles(draws, self.level))


def _fitted(ask: _Request, law: str) -> Fit[Any]:
    """Return a law of N and D fitted to runs, if it can be trusted to have an optimum."""
    result = fit(law, ask.runs, draws=ask.draws, level=ask.level, seed=ask.seed)
    if result.status == "refused":
        raise RefusedByData(result.notes[0].text)
    if not np.isfinite(optimum(result.law, ask.C).N).all():
        raise RefusedByData(f"{law} has no best split of {show(ask.C)} FLOP")
    return result


def _enveloped(ask: _Request, runs: Runs) -> OptimumFrontier:
    return envelope(runs, draws=0, seed=ask.seed).frontier


def _best_curve(runs: Runs) -> Curve | None:
    """Return the curve that suits the budgets, None if it finds no two minima."""
    try:
        return isoflop_profiles(runs, draws=0).curve
    except RefusedByData:
        return None


def _profiled(curve: Curve, noise: float, ask: _Request, runs: Runs) -> OptimumFrontier:
    """Return approach 2 on other losses, its budgets weighted by the noise of the first."""
    again = isoflop_profiles(runs, curve=curve, draws=ask.draws, seed=ask.seed, noise=noise)
    return again.frontier


def _bias(
    ask: _Request, truth: Fit[Any] | None, approach: Callable[[_Request, Runs], OptimumFrontier]
) -> Allocation | None:
    """Return by what share an approach misses the optimum of a law that made the losses itself."""
    if truth is None:
        return None
    columns = {**ask.runs.columns, "L": truth.predict(N=ask.runs["N"], D=ask.runs["D"])}
    try:
        split = approach(ask, dataclasses.replace(ask.runs, columns=columns)).split(ask.C)
    except RefusedByData:
        return None
    best = optimum(truth.law, ask.C)
    return Allocation(
        N=float(split.N[0]) / float(np.ravel(best.N)[0]) - 1,
        D=float(split.D[0]) / float(np.ravel(best.D)[0]) - 1,
    )


def _drawn(
    ask: _Request, name: str, frontier: OptimumFrontier, bias: Allocation | None
) -> Approach:
    N, D = frontier.split(ask.C)
    a, b, N_best, D_best, ratio = (
        ask.estimate(v[0], v[1:]) for v in (frontier.a, frontier.b, N, D, D / N)
    )
    return Approach(name=name, a=a, b=b, N=N_best, D=D_best, ratio=ratio, bias=bias)


def _of_law(ask: _Request, fit: Fit[Any]) -> Approach:
    """Return what a law says; its exponents are those at C."""

    def numbers(law: Law) -> tuple[Numbers, ...]:
        split = optimum(law, ask.C * np.array([1 / NARROW, 1, NARROW]))
        N, D = (np.reshape(v, (-1, 3)) for v in (split.N, split.D))
        a, b = (np.log(v[:, 2] / v[:, 0]) / (2 * np.log(NARROW)) for v in (N, D))
        return a, b, N[:, 1], D[:, 1], D[:, 1] / N[:, 1]

    many = numbers(fit.draws) if fit.draws is not None else (np.zeros(0),) * 5
    a, b, N, D, ratio = (ask.estimate(v[0], m) for v, m in zip(numbers(fit.law), many, strict=True))
    return Approach(name=f"3 {fit.law.key}", a=a, b=b, N=N, D=D, ratio=ratio, bias=None)


def _notes(
    C: float,
    enveloped: Sequence[Envelope],
    profiled: Sequence[Profiles],
    fits: Sequence[Fit[Any]],
) -> tuple[Note, ...]:
    notes = []
    for item in fits:
        best = optimum(item.law, C)
        if up := rising(item.law, N=float(np.ravel(best.N)[0]), D=float(np.ravel(best.D)[0])):
            notes.append(
                Note(
                    "doubt",
                    "rising",
                    f"3 {item.law.key} rises with {' and '.join(up)} at its own optimum: it is "
                    f"carried "
                    "too far to mean anything there",
                )
            )
        of_fit = [n for n in item.notes if n.topic != "convention" and n not in item.runs.notes]
        notes += [n.of(f"3 {item.law.key}") for n in of_fit]
    for items, name in ((enveloped, "1 envelope"), (profiled, "2")):
        notes += [note.of(name) for item in items for note in item.notes]
    return tuple(dict.fromkeys(notes))
