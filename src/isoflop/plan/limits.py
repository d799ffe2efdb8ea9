"""Limits on a plan: all of them become a most or a least of N, D or training C."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import RefusedByData, UnknownName, UsageError
from isoflop.law import Allocation, LossLaw
from isoflop.plan.cost import Cost
from isoflop.plan.optimum import PLAIN, best, cheapest, needed
from isoflop.plan.search import bisect
from isoflop.quantities import show

LIMITS = ("N", "D", "C", "epochs", "memory", "latency", "hours")

Given = Mapping[str, float] | None


@dataclass(frozen=True)
class Limits:
    """The most and the least of N [params], D [tokens] and training C [FLOP], and their words."""

    most: Mapping[str, float]
    least: Mapping[str, float]
    words: Mapping[str, str]

    def binding(self, cost: Cost, N: float, D: float) -> tuple[str, ...]:
        """Return the limits that N and D stand at, in words."""
        at = {"N": N, "D": D, "C": float(cost.flop(N)) * D}
        limits = []
        for symbol, value in at.items():
            for word, bounds in (("<=", self.most), (">=", self.least)):
                bound = bounds[symbol]
                if 0 < bound < np.inf and np.isclose(value, bound, rtol=1e-8):
                    limits.append(self.words.get(symbol + word, f"{symbol} {word} {show(bound)}"))
        return tuple(limits)


def limits(
    at_most: Mapping[str, float] | None,
    at_least: Mapping[str, float] | None,
    cost: Cost,
    inputs: Given = None,
) -> Limits:
    """Return limits on N, D and C from those that were asked for.

    Beside N, D and C: `epochs` over the unique tokens U, `memory` [bytes] of the weights served,
    `latency` [s] of a token at the full bandwidth of the chip, `hours` [chip-hours] of training.

    Raises UsageError for limits that contradict each other, or need what is not stated.
    """
    highs, lows = dict(at_most or {}), dict(at_least or {})
    _check(highs, LIMITS)
    _check(lows, ("N", "D"))
    most = {s: highs.pop(s, np.inf) for s in "NDC"}
    least = {s: lows.get(s, 0.0) for s in "NDC"}
    words = {}
    for name, value in highs.items():
        symbol, bound = _translated(name, value, cost, inputs)
        if bound < most[symbol]:
            most[symbol] = bound
            words[f"{symbol}<="] = f"{name} <= {show(value)} ({symbol} <= {show(bound)})"
    for s in "ND":
        if least[s] > most[s]:
            raise UsageError(f"{s} is to be at least {show(least[s])} and at most {show(most[s])}")
    return Limits(most, least, words)


def _check(limited: Mapping[str, float], names: tuple[str, ...]) -> None:
    for name, value in limited.items():
        if name not in names:
            raise UnknownName("limit", name, names)
        if not (np.isfinite(value) and value > 0):
            raise UsageError(f"the limit on {name} is {value}; it must be finite and above zero")


def _translated(name: str, value: float, cost: Cost, inputs: Given) -> tuple[str, float]:
    """Return the symbol that a limit comes down to, and its bound."""
    if name == "memory":
        return "N", value * 8 / cost.bits
    if name == "epochs":
        if "U" not in (inputs or {}):
            raise UsageError("a limit on epochs needs the unique tokens: give unique")
        return "D", value * (inputs or {})["U"]
    if name == "latency":
        if cost.bandwidth is None:
            raise UsageError("a limit on latency needs a chip, whose bandwidth reads the weights")
        return "N", value * cost.bandwidth * 8 / cost.bits / cost.active
    if cost.per_flop is None:
        raise UsageError("a limit on hours needs a chip and its utilisation")
    return "C", value / cost.per_flop[0].hours.typical


def hold_budget(
    law: LossLaw, cost: Cost, budget: float, within: Limits, inputs: Given = None
) -> Allocation:
    """Return the best N and D (s,) for a budget [unit of `cost`] within limits.

    Loss falls on the way to the optimum from either side, so the nearest point allowed is best.
    Where N and D are both at their most, part of the budget stays unspent.

    Raises UsageError for a budget that does not pay for the least asked for.
    """
    most, least = within.most, within.least
    if cost.serving is None:
        budget = min(budget, cost.training * most["C"])
    if least["N"] and float(cost(least["N"], least["D"])) > budget * (1 + 1e-12):
        raise UsageError(
            f"{show(budget)} {cost.unit} does not pay for the least N and D asked for, which take "
            f"{show(float(cost(least['N'], least['D'])))}"
        )
    free = best(law, cost, np.array([budget]), inputs=inputs)
    low, high = least["N"], most["N"]
    if np.isfinite(most["D"]):
        low = max(low, float(cost.size_for(budget, most["D"])))
    if least["D"]:
        high = min(high, float(cost.size_for(budget, least["D"])))
    N = np.asarray(free.N).reshape(-1)
    if cost.serving is not None and np.isfinite(most["C"]):
        N = _below_training(law, cost, budget, most["C"], N, inputs)
    if low > high:  # both at their most: the budget cannot be spent
        return Allocation(np.full_like(N, most["N"]), np.full_like(N, most["D"]))
    clipped_N = np.clip(N, low, high)
    D = np.minimum(cost.tokens_for(budget, clipped_N), most["D"])
    return Allocation(clipped_N, np.minimum(D, most["C"] / cost.flop(clipped_N)))


def _below_training(
    law: LossLaw, cost: Cost, budget: float, most: float, N: Numbers, inputs: Given
) -> Numbers:
    """Return the N at which training takes at most `most` [FLOP], and serving what is left."""
    rest = budget - cost.training * most
    if rest <= 0:
        return N
    crossing = float(cost.size_for(rest, 0.0))  # here the budget is spent with C at its most
    alone = replace(cost, training=1.0, serving=None, unit="FLOP")
    trained = np.asarray(best(law, alone, np.array([most]), inputs=inputs).N).reshape(-1)
    return np.where(crossing > N, np.minimum(trained, crossing), N)


def hold_loss(
    law: LossLaw, cost: Cost, L: float | Numbers, within: Limits, inputs: Given = None
) -> Allocation:
    """Return the cheapest N and D (s,) that reach a loss within limits; NaN where none does.

    The loss may be one (s, 1) for every draw.
    """
    most, least = within.most, within.least
    N = cheapest(law, cost, np.atleast_1d(L), inputs=inputs).N.reshape(-1, 1)
    if np.isfinite(most["C"]):
        N = _trained_within(law, cost, L, most["C"], N, inputs)
    low = np.full(N.shape, max(least["N"], 1.0))
    if np.isfinite(most["D"]):
        # NaN, where no size reaches the loss on so few tokens, stays NaN to the end.
        low = np.maximum(low, needed(law, L, "N", "D", np.full(N.shape, most["D"]), inputs))
    if least["D"]:
        enough = needed(law, L, "N", "D", np.full(N.shape, least["D"]), inputs)
        N = np.fmin(N, enough)
    N = np.minimum(np.maximum(N, low), most["N"])
    D = np.maximum(needed(law, L, "D", "N", N, inputs), least["D"])
    lost = (low > most["N"] * (1 + 1e-9)) | (most["D"] * (1 + 1e-8) < D)
    lost |= most["C"] * (1 + 1e-6) < cost.flop(N) * D
    D = np.where(np.isclose(D, most["D"], rtol=1e-8), most["D"], D)
    N, D = np.where(lost, np.nan, N), np.where(lost, np.nan, D)
    return Allocation(N.reshape(-1), D.reshape(-1))


def _trained_within(
    law: LossLaw, cost: Cost, L: float | Numbers, most: float, N: Numbers, inputs: Given
) -> Numbers:
    """Return the N nearest to N at which training to L takes at most `most` [FLOP].

    Serving asks for a smaller model than training alone would, so the way leads upwards.
    """
    alone = replace(PLAIN, counting=cost.counting, active=cost.active)
    trained = cheapest(law, alone, np.array([L]), inputs=inputs).N.reshape(-1, 1)

    def cheap(x: Numbers) -> npt.NDArray[np.bool_]:
        size = np.exp(x)
        with np.errstate(all="ignore"):
            D = needed(law, L, "D", "N", size, inputs)
            return np.asarray(cost.flop(size) * D <= most)

    return np.exp(bisect(cheap, np.log(N), np.log(np.maximum(N, trained))))


def unreachable(
    law: LossLaw, cost: Cost, L: float, within: Limits, inputs: Given = None
) -> RefusedByData:
    """Return the refusal of a loss that the law, or the limits, keep out of reach."""
    lowest = getattr(law, "E", None)
    floor = f"; its floor is E = {float(lowest):.4g}" if lowest else ""
    nearest, at = _nearest(law, cost, within, inputs)
    if nearest > L and at:
        floor += f"; within the limits the nearest is {nearest:.5g}{at}"
    return RefusedByData(f"{law.key} never reaches L = {L:g}{floor}; ask for a higher loss")


def _nearest(law: LossLaw, cost: Cost, within: Limits, inputs: Given) -> tuple[float, str]:
    """Return the least loss within limits, and where it lies; no words where nothing limits."""
    most = within.most
    if np.isfinite(most["C"]):
        alone = replace(PLAIN, counting=cost.counting, active=cost.active)
        split = hold_budget(law, alone, most["C"], within, inputs)
        N, D = float(split.N[0]), float(split.D[0])
    else:
        N, D = (min(most[s], 1e30) for s in "ND")
    limited = N < 1e30 or D < 1e30
    at = ", ".join(f"{s} = {show(v)}" for s, v in (("N", N), ("D", D)) if v < 1e30)
    loss = float(np.ravel(law(N=N, D=D, **(inputs or {})))[0])
    return loss, f", at {at}" if limited else ""
