"""spend: a budget to its best run. reach: a loss to its cheapest run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.errors import NoOptimum, RefusedByData, UsageError
from isoflop.fitting import Fit, quantiles
from isoflop.forecasting import beyond
from isoflop.law import Allocation, Law, Published
from isoflop.plan.optimum import FLOP_PER_PARAM_TOKEN, least_compute, optimum
from isoflop.plan.result import Estimate, Plan, Regret
from isoflop.quantities import show

Numbers = npt.NDArray[np.float64]
Model = Fit[Any] | Published

FACTORS = (0.25, 0.5, 2.0, 4.0)
WITHIN = {"6ND", "6ND-non-embedding"}  # conventions for which C = 6ND is exact


def spend(
    model: Model,
    C: float,
    *,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
    level: float | None = None,
) -> Plan:
    """Return the N and D that minimise loss at C = 6ND [FLOP] within limits on N and D.

    Raises NoOptimum for a law without N and D, UsageError for limits that contradict each other,
    RefusedByData for a fit that was refused.
    """
    limited = {**_prefixed(at_most, "most"), **_prefixed(at_least, "least")}
    level = _checked(model, level, C=C, **limited)
    limits = _Limits(at_most, at_least)
    split, binding = limits.hold(optimum(model.law, C), C)
    law, draws = model.law, model.draws
    N, D = float(split.N), float(split.D)
    many = limits.hold(optimum(draws, C), C)[0] if draws is not None else None
    return Plan(
        question=f"the least loss for {show(C)} FLOP",
        N=_estimate(N, many and many.N, level),
        D=_estimate(D, many and many.D, level),
        C=_estimate(FLOP_PER_PARAM_TOKEN * N * D, many and _compute(many), level),
        L=_estimate(_loss(law, N, D), many and draws(N=many.N, D=many.D), level),  # type: ignore[misc]
        level=level,
        binding=binding,
        regret=_regret(law, N, D),
        notes=_notes(model, N, D),
    )


def reach(
    model: Model,
    L: float,
    *,
    at_most: Mapping[str, float] | None = None,
    level: float | None = None,
) -> Plan:
    """Return the N and D that reach loss L at the least C = 6ND [FLOP], within limits.

    Raises RefusedByData for a loss below what the law can reach, with the floor; NoOptimum and
    UsageError as `spend` does.
    """
    level = _checked(model, level, L=L, **_prefixed(at_most, "most"))
    limits = _Limits(at_most, None)
    split, binding = limits.reach(model.law, L)
    N, D = float(split.N[0]), float(split.D[0])
    if not np.isfinite(N * D):
        raise RefusedByData(
            f"{model.law.key} never reaches L = {L:g}{_floor(model.law)}; ask for a higher loss"
        )
    many = limits.reach(model.draws, L)[0] if model.draws is not None else None
    C = many and _compute(many)
    notes = list(_notes(model, N, D))
    if many is not None and (missed := float(np.mean(~np.isfinite(np.asarray(C))))) > 0:
        notes.insert(
            0, f"{missed:.0%} of the draws never reach L = {L:g}; intervals leave them out"
        )
    return Plan(
        question=f"the least compute for a loss of {L:g}",
        N=_estimate(N, many and many.N, level),
        D=_estimate(D, many and many.D, level),
        C=_estimate(FLOP_PER_PARAM_TOKEN * N * D, C, level),
        L=Estimate(_loss(model.law, N, D), *((None, None) if many is None else (L, L))),
        level=level,
        binding=binding,
        regret=_regret(model.law, N, D),
        notes=tuple(notes),
    )


class _Limits:
    """Bounds on N and D, and the best point within them."""

    def __init__(
        self, at_most: Mapping[str, float] | None, at_least: Mapping[str, float] | None
    ) -> None:
        for given in (at_most or {}, at_least or {}):
            if unknown := sorted(set(given) - {"N", "D"}):
                raise UsageError(f"a limit on {unknown[0]} is not known; limit N or D")
        self.most = {s: (at_most or {}).get(s, np.inf) for s in "ND"}
        self.least = {s: (at_least or {}).get(s, 0.0) for s in "ND"}
        for s in "ND":
            if self.least[s] > self.most[s]:
                raise UsageError(
                    f"{s} is to be at least {self.least[s]:g} and at most {self.most[s]:g}"
                )

    def hold(self, best: Allocation, C: float) -> tuple[Allocation, tuple[str, ...]]:
        """Return the best point along C = 6ND within the limits, and the limits that bind.

        Loss falls on the way to the optimum from either side, so the nearest point allowed is
        best. Where N and D are both at their most, part of the budget stays unspent.
        """
        product = C / FLOP_PER_PARAM_TOKEN
        if self.least["N"] * self.least["D"] > product * (1 + 1e-12):
            raise UsageError(f"C = {show(C)} FLOP does not pay for the least N and D asked for")
        low = max(self.least["N"], product / self.most["D"])
        high = min(self.most["N"], product / self.least["D"] if self.least["D"] else np.inf)
        if low > high:  # both at their most: the budget cannot be spent
            N, D = np.full_like(best.N, self.most["N"]), np.full_like(best.N, self.most["D"])
        else:
            N = np.clip(best.N, low, high)
            D = product / N
        return Allocation(N, D), self._binding(N, D)

    def reach(self, law: Law, L: float) -> tuple[Allocation, tuple[str, ...]]:
        """Return the cheapest point (s,) that reaches L within the limits; NaN where none does."""
        C = least_compute(law, L)
        best = optimum(law, C[:, None] if law.members else C)
        N, D = np.asarray(best.N).reshape(-1), np.asarray(best.D).reshape(-1)
        for free, held in (("N", "D"), ("D", "N")):
            over = (D if held == "D" else N) > self.most[held]
            if over.any():
                other = _needed(law, L, free, held, self.most[held])
                N, D = (
                    (np.where(over, other, N), np.where(over, self.most["D"], D))
                    if held == "D"
                    else (np.where(over, self.most["N"], N), np.where(over, other, D))
                )
        lost = (self.most["N"] * (1 + 1e-9) < N) | (self.most["D"] * (1 + 1e-9) < D)
        N, D = np.where(lost, np.nan, N), np.where(lost, np.nan, D)
        return Allocation(N, D), self._binding(N, D)

    def _binding(self, N: Numbers, D: Numbers) -> tuple[str, ...]:
        out = []
        for symbol, values in (("N", N), ("D", D)):
            for word, bound in (("<=", self.most[symbol]), (">=", self.least[symbol])):
                if np.isfinite(bound) and bound > 0 and np.isclose(values, bound, rtol=1e-9).any():
                    out.append(f"{symbol} {word} {show(bound)}")
        return tuple(out)


def _needed(law: Law, L: float, free: str, held: str, bound: float) -> Numbers:
    """Return the `free` input (s,) that reaches L with `held` at its bound, by bisection."""
    shape = (law.members or 1, 1)
    low, high = np.zeros(shape), np.full(shape, np.log(1e30))
    for _ in range(120):
        middle = (low + high) / 2
        with np.errstate(all="ignore"):
            enough = law(**{free: np.exp(middle), held: np.full(shape, bound)}) <= L
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(high >= np.log(1e30) - 1e-9, np.nan, np.exp(high))[:, 0]


def _compute(split: Allocation) -> Numbers:
    return np.asarray(FLOP_PER_PARAM_TOKEN * split.N * split.D)


def _loss(law: Law, N: float, D: float) -> float:
    return float(np.asarray(law(N=N, D=D)))


def _estimate(value: float, draws: Any, level: float) -> Estimate:
    if draws is None:
        return Estimate(value)
    low, high = quantiles(np.asarray(draws).reshape(-1), level)
    return Estimate(value, low, high)


def _regret(law: Law, N: float, D: float) -> tuple[Regret, ...]:
    """Return what other N cost at the same compute."""
    best = _loss(law, N, D)
    rows = []
    for factor in FACTORS:
        loss = _loss(law, factor * N, D / factor)
        least = float(least_compute(law, loss)[0])
        saved = least / (FLOP_PER_PARAM_TOKEN * N * D)
        rows.append(
            Regret(factor, factor * N, D / factor, loss, loss - best,
                   saved if np.isfinite(saved) else None)
        )  # fmt: skip
    return tuple(rows)


def _notes(model: Model, N: float, D: float) -> tuple[str, ...]:
    convention = model.conventions.get("C")
    notes = []
    if convention is None:
        notes.append("C is taken as 6ND; the runs do not state how they count it")
    elif convention not in WITHIN:
        notes.append(f"C is taken as 6ND, while the runs count it as {convention}")
    if "N" in model.conventions:
        notes.append(f"N is counted as {model.conventions['N']}")
    if isinstance(model, Published):
        notes.insert(0, "published constants have no draws, so there are no intervals")
        return tuple(filter(None, (model.caution, *notes)))
    reach = beyond(model, {"N": N, "D": D})
    if reach > 1:
        notes.insert(0, f"the plan lies {show(reach)} times beyond the runs behind the law")
    return (*(model.notes if model.status != "ok" else ()), *notes)


def _floor(law: Law) -> str:
    lowest = getattr(law, "E", None)
    return f"; its floor is E = {float(lowest):.4g}" if lowest else ""


def _prefixed(limits: Mapping[str, float] | None, word: str) -> dict[str, float]:
    return {f"the {word} {k}": v for k, v in (limits or {}).items()}


def _checked(model: Model, level: float | None, **numbers: float) -> float:
    """Return the level to use, once the request makes sense.

    Raises UsageError for a number that is not above zero, RefusedByData for a refused fit.
    """
    for name, value in numbers.items():
        if not (np.isfinite(value) and value > 0):
            raise UsageError(f"{name} is {value}; it must be finite and above zero")
    if set(model.law.takes) != {"N", "D"}:
        raise NoOptimum(
            f"{model.law.key} takes {', '.join(model.binding.takes)}; a plan needs a law of N and D"
        )
    if isinstance(model, Fit) and model.status == "refused":
        raise RefusedByData(f"the fit was refused, and so is its plan: {model.notes[0]}")
    if level is not None and not 0 < level < 1:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, such as 0.9")
    return level or (model.level if isinstance(model, Fit) else 0.9)
