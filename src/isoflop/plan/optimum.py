"""The best N and D for a budget, and the cheapest for a loss, for any law of N and D.

Draws of a law (s,) and budgets (k,) are searched together, as arrays (s, k).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import NoOptimum
from isoflop.law import Allocation, Array, LossLaw
from isoflop.plan.cost import FLOP_PER_PARAM_TOKEN, Cost
from isoflop.plan.search import bisect, golden

PLAIN = Cost()
_MOST = np.log(1e30)  # no run has more parameters or tokens
_EDGE = 1e-6


def optimum(
    law: LossLaw, C: Array, *, search: bool = False, inputs: Mapping[str, float] | None = None
) -> Allocation:
    """Return the N [params] and D [tokens] that minimise loss at C = 6ND [FLOP].

    C (k,) with an ensemble of s draws gives (s, k). `search` asks for the golden section even
    where the law has a closed form. `inputs` holds the inputs of the law beside N and D.

    Raises NoOptimum if the law is not one of N and D, or does not fall in both.
    Source: Hoffmann et al. 2022, eq. 4, and each law's own.
    """
    return best(law, PLAIN, C, search=search, inputs=inputs)


def best(
    law: LossLaw,
    cost: Cost,
    budget: Array,
    *,
    search: bool = False,
    inputs: Mapping[str, float] | None = None,
) -> Allocation:
    """Return the N and D of least loss that a budget (k,) [unit of `cost`] pays for.

    Loss along a budget has one minimum in log N: both log D and what serving leaves of the budget
    are concave in log N. NaN where a draw has its minimum at an end.

    Raises NoOptimum if the law is not one of N and D, or no draw falls in both.
    """
    _of_size_and_data(law, inputs)
    if cost.plain and "optimum" in law.closed_forms and not search:
        product = np.asarray(budget, float) / (cost.training * cost.active)
        allocation: Allocation = law.closed_forms["optimum"](law, product)
        return allocation
    paid = np.broadcast_to(np.asarray(budget, float), _shape(law, np.shape(budget)))
    high = np.log(np.maximum(cost.size_for(paid, 1.0), 1 + _EDGE))

    def loss(x: Numbers) -> Numbers:
        N = np.exp(x)
        with np.errstate(all="ignore"):
            return np.asarray(law(N=N, D=cost.tokens_for(paid, N), **(inputs or {})))

    x = golden(loss, np.zeros(paid.shape), high)
    at_edge = (x < _EDGE) | (high - x < _EDGE)
    if np.all(at_edge):
        raise NoOptimum(f"{law.key} does not fall in both N and D, so no split of C is best")
    N = np.where(at_edge, np.nan, np.exp(x))
    return Allocation(N=N, D=np.asarray(cost.tokens_for(paid, N)))


def cheapest(
    law: LossLaw, cost: Cost, L: Array, *, inputs: Mapping[str, float] | None = None
) -> Allocation:
    """Return the N and D of least cost that reach a loss L (k,); (s, k) for an ensemble.

    NaN where the law never reaches it. The cost is convex in log N, as log D is.
    """
    _of_size_and_data(law, inputs)
    wanted = np.broadcast_to(np.asarray(L, float), _shape(law, np.shape(L)))
    low = np.log(_least_size(law, wanted, inputs))
    reachable = np.isfinite(low)
    low = np.where(reachable, low, 0.0)

    def spent(x: Numbers) -> Numbers:
        N = np.exp(x)
        with np.errstate(all="ignore"):
            return np.asarray(np.log(cost(N, needed(law, wanted, "D", "N", N, inputs))))

    x = golden(spent, low, np.full(wanted.shape, _MOST))
    N = np.where(reachable, np.exp(x), np.nan)
    return Allocation(N=N, D=needed(law, wanted, "D", "N", N, inputs))


def needed(
    law: LossLaw,
    L: Array,
    free: str,
    fixed: str,
    value: Array,
    inputs: Mapping[str, float] | None = None,
) -> Numbers:
    """Return the `free` input ("N" or "D") that brings the loss to L with `fixed` at `value`.

    From the law's closed form where it has one, else by bisection in logs; NaN where none does.
    """
    if free in law.closed_forms and not inputs:
        with np.errstate(all="ignore"):
            exact = np.asarray(law.closed_forms[free](law, L=L, **{fixed: value}), float)
        return np.where(np.isfinite(exact) & (exact < np.exp(_MOST)), exact, np.nan)
    shape = np.broadcast_shapes(_shape(law, ()), np.shape(L), np.shape(value))
    most = np.full(shape, _MOST)
    if free == "D":
        most = _turn(law, np.broadcast_to(value, shape), inputs)

    def enough(x: Numbers) -> npt.NDArray[np.bool_]:
        with np.errstate(all="ignore"):
            return np.asarray(law(**{free: np.exp(x), fixed: value, **(inputs or {})}) <= L)

    amount = np.exp(bisect(enough, np.zeros(shape), most))
    return np.where(np.isnan(value), np.nan, amount)


def _least_size(law: LossLaw, L: Numbers, inputs: Mapping[str, float] | None) -> Numbers:
    """Return the N below which a loss L is out of reach, however many the data."""
    if "N" in law.closed_forms and not inputs:
        return needed(law, L, "N", "D", np.exp(_MOST))

    def enough(x: Numbers) -> npt.NDArray[np.bool_]:
        N = np.exp(x)
        with np.errstate(all="ignore"):
            return np.asarray(law(N=N, D=np.exp(_turn(law, N, inputs)), **(inputs or {})) <= L)

    return np.exp(bisect(enough, np.zeros(L.shape), np.full(L.shape, _MOST)))


def _turn(law: LossLaw, N: Numbers, inputs: Mapping[str, float] | None) -> Numbers:
    """Return the log of the D past which more data harm: those of a model that is quantised.

    As large as may be where they never do, which is seen by looking at two of the largest.
    """

    def loss(y: Numbers) -> Numbers:
        with np.errstate(all="ignore"):
            return np.asarray(law(N=N, D=np.exp(y), **(inputs or {})))

    none, most = np.zeros(N.shape), np.full(N.shape, _MOST)
    harmed = loss(most) > loss(0.9 * most)
    return np.where(harmed, golden(loss, none, most), most) if harmed.any() else most


def least_compute(law: LossLaw, L: float, *, inputs: Mapping[str, float] | None = None) -> Numbers:
    """Return the least C = 6ND [FLOP] at which a loss L is reached; (s,) for an ensemble.

    NaN where the law never reaches it.
    """
    split = cheapest(law, PLAIN, np.array([L]), inputs=inputs)
    return np.asarray(FLOP_PER_PARAM_TOKEN * split.N * split.D).reshape(-1)


def _shape(law: LossLaw, budgets: tuple[int, ...]) -> tuple[int, ...]:
    return np.broadcast_shapes((law.members, 1), budgets) if law.members else budgets


def _of_size_and_data(law: LossLaw, inputs: Mapping[str, float] | None) -> None:
    takes, rest = set(law.takes), set(law.takes) - {"N", "D"} - set(inputs or {})
    if not {"N", "D"} <= takes or rest:
        also = f", and a value of {', '.join(sorted(rest))}" if {"N", "D"} <= takes else ""
        raise NoOptimum(f"{law.key} takes {', '.join(law.takes)}; a best N and D needs both{also}")
