"""What precision to train in: bits are paid for, and shrink what the size of a model is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.law import Allocation
from isoflop.laws.kumar_precision import KumarPrecision
from isoflop.plan.search import bisect

FULL = 16.0  # bits at which training costs C = 6ND; in P bits it costs P/16 of that
MOST = 64.0


def best_bits(law: KumarPrecision) -> Numbers:
    """Return the bits of weights, activations and cache alike that are best at every budget.

    Size, tokens and bits are chosen together at C = 6ND bits/16; (s,) for an ensemble. A factor
    of bits then buys as much share of N as it takes of N D: d log share / d log bits = 1.

    Source: Kumar et al. 2024, arXiv:2411.04330, section 4.3, with the shifts of its fit.
    """
    least = np.stack([fade * shift for fade, shift in _three(law)]).max(0)
    low = np.log(np.maximum(np.atleast_1d(least), 0.0) + 1e-3)

    def flat(x: Numbers) -> npt.NDArray[np.bool_]:
        bits = np.exp(x)
        slopes = [bits / fade / np.expm1(bits / fade - shift) for fade, shift in _three(law)]
        return np.asarray(sum(slopes) <= 1)

    return np.exp(bisect(flat, low, np.full(low.shape, np.log(MOST))))


def against_full(law: KumarPrecision, bits: Any) -> Allocation:
    """Return the best N and D of training in `bits` throughout, over those of 16 bits.

    At one cost C = 6ND bits/16, so that the product of both is 16/bits, and without quantising
    afterwards. One law, not an ensemble.

    Source: Kumar et al. 2024, arXiv:2411.04330, eq. 16; its eq. 17 leaves the product out.
    """
    total = law.alpha + law.beta
    lost = law.share(bits, bits, bits) / law.share(FULL, FULL, FULL)
    cheaper = FULL / bits
    grown = lost ** (-law.alpha / total) * cheaper ** (law.beta / total)
    return Allocation(N=grown, D=cheaper / grown)


def _three(law: KumarPrecision) -> tuple[tuple[Any, Any], ...]:
    """Return fade and shift of weights, activations and cache."""
    return (
        (law.fade_w, law.shift_w),
        (law.fade_a, law.shift_a),
        (law.fade_c, law.shift_c),
    )
