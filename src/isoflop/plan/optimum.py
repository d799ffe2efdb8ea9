"""The best N and D along C = 6ND, and the least C that reaches a loss, for any law of N and D."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isoflop.errors import NoOptimum
from isoflop.law import Allocation, Array, Law

Numbers = npt.NDArray[np.float64]

FLOP_PER_PARAM_TOKEN = 6.0  # forward 2, backward 4; Kaplan et al. 2020, section 2.1
_GOLDEN = (np.sqrt(5) - 1) / 2


def optimum(law: Law, C: Array, *, search: bool = False) -> Allocation:
    """Return the N [params] and D [tokens] that minimise loss at C = 6ND [FLOP].

    C (k,) with an ensemble of s draws gives (s, k). `search` asks for the golden section even
    where the law has a closed form.

    Raises NoOptimum if the law is not one of N and D, or does not fall in both.
    Source: Hoffmann et al. 2022, eq. 4, and each law's own.
    """
    if set(law.takes) != {"N", "D"}:
        raise NoOptimum(f"{law.key} takes {', '.join(law.takes)}; a best N and D needs both")
    if "optimum" in law.closed_forms and not search:
        found: Allocation = law.closed_forms["optimum"](law, C)
        return found
    C = np.asarray(C, float)
    N = _searched(law, C)
    edge = 1e-6
    at_edge = (np.log(N) < edge) | (np.log(C / FLOP_PER_PARAM_TOKEN / N) < edge)
    if at_edge.all():
        raise NoOptimum(f"{law.key} does not fall in both N and D, so no split of C is best")
    N = np.where(at_edge, np.nan, N)
    return Allocation(N=N, D=C / FLOP_PER_PARAM_TOKEN / N)


def _searched(law: Law, C: Numbers) -> Numbers:
    """Return the N of least loss, from one parameter to one token, by golden section in log N."""
    shape = np.broadcast_shapes((law.members, 1), C.shape) if law.members else C.shape
    product = np.broadcast_to(C / FLOP_PER_PARAM_TOKEN, shape)
    low, high = np.zeros(shape), np.log(product)

    def loss(log_N: Numbers) -> Numbers:
        N = np.exp(log_N)
        with np.errstate(all="ignore"):
            return np.asarray(law(N=N, D=product / N))

    for _ in range(90):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        fell = loss(left) < loss(right)
        low, high = np.where(fell, low, left), np.where(fell, right, high)
    return np.asarray(np.exp((low + high) / 2))


def least_compute(law: Law, L: float) -> Numbers:
    """Return the least C = 6ND [FLOP] at which the optimum reaches loss L; (s,) for an ensemble.

    NaN where the law never reaches it. By bisection in log C, since the optimum falls in C.
    """
    shape = (law.members, 1) if law.members else (1,)
    low, high = np.full(shape, np.log(1e6)), np.full(shape, np.log(1e36))

    def reached(log_C: Numbers) -> npt.NDArray[np.bool_]:
        C = np.exp(log_C)
        exact = "optimum" in law.closed_forms
        # Far out the loss is flat to the last digit: any N on that plateau will do.
        N = optimum(law, C).N if exact else _searched(law, C)
        with np.errstate(all="ignore"):
            return np.asarray(law(N=N, D=C / FLOP_PER_PARAM_TOKEN / N) <= L)

    never = ~reached(high)
    for _ in range(100):
        middle = (low + high) / 2
        enough = reached(middle)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(never, np.nan, np.exp(high)).reshape(-1)
