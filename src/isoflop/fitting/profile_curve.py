"""The curve of loss against size at one budget, and where it is least.

A parabola or a cubic through all runs, a parabola through those round the minimum alone ("near"),
or Akima's interpolation. Which of them suits a study, its own leave-one-out says.
Array suffixes: n runs of one budget, s draws (row 0 is the answer), k points of a curve.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers

Curve = Literal["auto", "parabola", "near", "cubic", "akima"]

GAP_POINTS = 25  # at which an interpolated curve is looked at between two sizes
ROUND = 7  # sizes that a parabola round the minimum goes through
DENSE = 7  # sizes of a budget from which interpolation is thought of
JUDGED = 5  # sizes about the least loss, of which each is left out in turn


class Minima(NamedTuple):
    """The x of least loss of each draw (s,), NaN if none lies inside; the first curve (k,), (k,).

    The curve is empty of nothing: `x`, `losses` trace it from end to end.
    """

    best: Numbers
    x: Numbers
    losses: Numbers


def minima(x_n: Numbers, L_sn: Numbers, curve: Curve) -> Minima:
    """Return the x of least loss (s,), NaN if none lies inside, and the first curve (k,), (k,)."""
    if curve == "akima":
        return _interpolated(x_n, L_sn)
    if curve == "near":
        rows = _round_minimum(x_n, L_sn[0], ROUND)
        x_n, L_sn = x_n[rows], L_sn[:, rows]
    centre = x_n.mean()
    powers = np.arange(4 if curve == "cubic" else 3)
    basis = (x_n - centre)[:, None] ** powers
    c_sp = L_sn @ np.linalg.pinv(basis).T
    c1, c2 = c_sp[:, 1], c_sp[:, 2]
    c3 = c_sp[:, 3] if curve == "cubic" else np.zeros_like(c2)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = centre - c1 / (c2 + np.sqrt(c2**2 - 3 * c1 * c3))  # the root where it bends upwards
        bends = c2 + 3 * c3 * (best - centre) > 0
    inside = bends & (best > x_n.min()) & (best < x_n.max())
    x_k = np.linspace(x_n.min(), x_n.max(), 60)
    return Minima(np.where(inside, best, np.nan), x_k, (x_k - centre)[:, None] ** powers @ c_sp[0])


def _interpolated(x_n: Numbers, L_sn: Numbers) -> Minima:
    """Return the same by Akima's interpolation, runs of one size averaged first."""
    from scipy.interpolate import Akima1DInterpolator

    knots, member = np.unique(x_n, return_inverse=True)
    share = np.zeros((x_n.size, knots.size))
    share[np.arange(x_n.size), member] = 1 / np.bincount(member)[member]
    gaps = [np.linspace(a, b, GAP_POINTS, endpoint=False) for a, b in itertools.pairwise(knots)]
    x_k = np.concatenate([*gaps, knots[-1:]])
    L_ks = Akima1DInterpolator(knots, (L_sn @ share).T)(x_k)
    least = L_ks.argmin(0)
    inside = (least > 0) & (least < x_k.size - 1)
    return Minima(np.where(inside, x_k[least], np.nan), x_k, L_ks[:, 0])


def best_curve(budgets: Sequence[tuple[Numbers, Numbers]], discrete: bool) -> Curve:
    """Return the curve that misses sizes left out by least, over budgets of x (n,) and L (n,).

    Akima's interpolation takes part where budgets are `discrete`, and each of `DENSE` sizes.
    """
    dense = all(np.unique(x).size >= DENSE for x, _ in budgets)
    curves: tuple[Curve, ...] = ("near", "parabola")
    if discrete and dense and budgets:
        curves = ("akima", *curves)
    missed = {
        c: sum(_missed(x, L, c) for x, L in budgets if np.unique(x).size > JUDGED) for c in curves
    }
    return min(curves, key=missed.__getitem__)


def _missed(x_n: Numbers, L_n: Numbers, curve: Curve) -> float:
    """Return the sum of squared relative errors at the sizes about the least loss, left out."""
    total = 0.0
    sizes = np.unique(x_n)
    for left_out in np.unique(x_n[_round_minimum(x_n, L_n, JUDGED)]):
        if left_out in (sizes[0], sizes[-1]):
            continue  # beyond the others a curve is not asked
        rest = x_n != left_out
        traced = minima(x_n[rest], L_n[None, rest], curve)
        if traced.x[0] <= left_out <= traced.x[-1]:
            loss = L_n[~rest].mean()
            total += float((np.interp(left_out, traced.x, traced.losses) / loss - 1) ** 2)
    return total


def _round_minimum(x_n: Numbers, L_n: Numbers, count: int) -> npt.NDArray[np.intp]:
    """Return the rows of the `count` sizes about the one of the least mean loss."""
    sizes, member = np.unique(x_n, return_inverse=True)
    mean = np.bincount(member, L_n) / np.bincount(member)
    first = int(np.clip(mean.argmin() - count // 2, 0, max(sizes.size - count, 0)))
    return np.flatnonzero((member >= first) & (member < first + count))
