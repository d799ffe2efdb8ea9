"""Chinchilla's approach 2: at each budget a curve of loss against size, and a line through minima.

Array suffixes: n runs of one budget, s draws (row 0 is the answer), b budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import Note, RefusedByData, amount
from isoflop.fitting.frontier import OptimumFrontier, compute, through
from isoflop.fitting.profile_curve import Curve, best_curve, minima
from isoflop.quantities import show
from isoflop.report.display import Displayed
from isoflop.runs import Runs

SIZES = 5  # that a budget needs
TOLERANCE = 0.1  # by which the C of one budget may scatter
SLICE = 1.6  # width of a slice, as a factor, where C is continuous
HALF = 0.5  # of the draws must have their minimum inside


@dataclass(frozen=True, eq=False)
class BudgetGroup:
    """The runs of one budget; `sliced` if their C differ by more than a budget's tolerance."""

    C: float
    rows: npt.NDArray[np.intp]
    sliced: bool


@dataclass(frozen=True, eq=False)
class IsoflopProfile(Displayed):
    """Loss against size at one budget: where it is least, and how well that is known.

    `fault` says why it was left out of the frontier; N and D are then NaN. `sd` is that of log N.
    `runs_N`, `runs_L` (n,) are its runs, moved to one C if sliced; `sizes`, `losses` (k,) trace
    the curve, and are empty where there is none.
    """

    budget: BudgetGroup
    N: float
    D: float
    sd: float
    fault: str
    runs_N: Numbers
    runs_L: Numbers
    sizes: Numbers
    losses: Numbers


@dataclass(frozen=True, eq=False)
class Profiles:
    """Approach 2: a profile per budget and the frontier through those without a fault.

    `noise` is the relative scatter of losses about their curves, all budgets together.
    """

    curve: Curve
    profiles: tuple[IsoflopProfile, ...]
    frontier: OptimumFrontier
    noise: float
    notes: tuple[Note, ...]


def isoflop_profiles(
    runs: Runs,
    *,
    curve: Curve = "auto",
    draws: int = 1000,
    seed: int = 0,
    noise: float | None = None,
    tolerance: float = TOLERANCE,
) -> Profiles:
    """Return approach 2: N and D of least loss at each budget, and their power laws in C.

    A curve of loss in log N, and another in log D, is drawn through the runs of each budget; its
    minimum counts if it lies inside the runs, where the curve bends upwards. The curve is the one
    that misses sizes left out by least, unless it is given. Draws redraw every loss by `noise`,
    which is that of the runs about their curves unless given. Where C is continuous, slices of it
    are used, whose slope in C is fitted along.

    Raises RefusedByData if fewer than two budgets have a minimum, with the reason for each.
    Source: Hoffmann et al. 2022, arXiv:2203.15556, section 3.2; for "akima" and the weights,
    Porian et al. 2024, arXiv:2406.19146.
    """
    C = compute(runs)
    budget_groups = budgets(C, tolerance)
    rng = np.random.default_rng(seed)
    if curve == "akima" and any(b.sliced for b in budget_groups):
        raise RefusedByData(
            "C is continuous, and interpolation would follow the noise of every run in a slice of "
            "it: take the parabola or the cubic, or runs along fixed budgets"
        )
    if curve == "auto":
        groups = [(np.log(runs["N"][b.rows]), _at_one_compute(runs, C, b)) for b in budget_groups]
        curve = best_curve(
            [g for g in groups if np.unique(g[0]).size >= SIZES],
            not any(b.sliced for b in budget_groups),
        )
    scatter = _noise(runs, C, budget_groups) if noise is None else noise
    triples = [
        _profile(runs, C, budget, curve, lambda n: scatter * rng.standard_normal((draws, n)))
        for budget in budget_groups
    ]
    minima = [(p, log_N, log_D) for p, log_N, log_D in triples if not p.fault]
    if len(minima) < 2:
        reasons = "; ".join(f"{show(p.budget.C)} FLOP: {p.fault}" for p, _, _ in triples if p.fault)
        raise RefusedByData(
            f"{len(minima)} of {len(budget_groups)} budgets show a size of least loss, and a "
            f"power law "
            f"needs 2: {reasons}"
        )
    frontier = through(
        np.array([p.budget.C for p, _, _ in minima]),
        np.column_stack([log_N for _, log_N, _ in minima]),
        np.column_stack([log_D for _, _, log_D in minima]),
        np.array([p.sd for p, _, _ in minima]),
    )
    profiles = tuple(p for p, _, _ in triples)
    return Profiles(curve, profiles, frontier, scatter, _notes(profiles, "C" in runs))


def budgets(C: Numbers, tolerance: float = TOLERANCE) -> tuple[BudgetGroup, ...]:
    """Return the budgets that C (n,) falls into, smallest first; slices where it is continuous.

    >>> [len(b.rows) for b in budgets(np.array([1e18, 1.02e18, 1e19]))]
    [2, 1]
    """
    order = np.argsort(C, kind="stable")
    log_C = np.log(C[order])
    parts = np.split(order, np.flatnonzero(np.diff(log_C) > np.log1p(tolerance)) + 1)
    if any(np.ptp(np.log(C[p])) > 2 * np.log1p(tolerance) for p in parts):
        count = max(1, round(float(np.ptp(log_C)) / np.log(SLICE)))
        edges = np.linspace(log_C[0], log_C[-1], count + 1)[1:-1]
        parts = np.split(order, np.searchsorted(log_C, edges))
    return tuple(
        BudgetGroup(
            float(np.exp(np.log(C[rows]).mean())),
            rows,
            bool(np.ptp(np.log(C[rows])) > 2 * np.log1p(tolerance)),
        )
        for rows in parts
        if rows.size
    )


def _notes(profiles: Sequence[IsoflopProfile], counted: bool) -> tuple[Note, ...]:
    notes = [
        Note("info", "left-out", f"{show(p.budget.C)} FLOP is left out: {p.fault}")
        for p in profiles
        if p.fault
    ]
    if any(p.budget.sliced for p in profiles):
        notes.insert(
            0,
            Note(
                "info",
                "slices",
                f"C is continuous: it was cut into {len(profiles)} slices, and within each the "
                f"loss "
                "was moved to one C along a fitted slope",
            ),
        )
    if not counted:
        notes.append(Note("info", "convention", "the runs have no column C, so budgets are of 6ND"))
    return tuple(notes)


def _noise(runs: Runs, C: Numbers, budget_groups: Sequence[BudgetGroup]) -> float:
    """Return the relative scatter of losses about a cubic, or a parabola, at each budget."""
    squares, freedom = 0.0, 0
    for budget in budget_groups:
        log_N, L = np.log(runs["N"][budget.rows]), runs["L"][budget.rows]
        curve: Curve = "cubic" if np.unique(log_N).size > SIZES else "parabola"
        basis = _basis(log_N, C, budget, curve)
        spare = L.size - basis.shape[1]
        if np.unique(log_N).size >= SIZES and spare > 0:
            residuals = L - basis @ np.linalg.lstsq(basis, L, rcond=None)[0]
            squares, freedom = squares + float(((residuals / L) ** 2).sum()), freedom + spare
    return float(np.sqrt(squares / freedom)) if freedom else 0.0


def _basis(x_n: Numbers, C: Numbers, budget: BudgetGroup, curve: Curve) -> Numbers:
    """Return the columns (n, k) that a curve of a budget is made of, in centred x."""
    away = x_n - x_n.mean()
    columns = [away**power for power in range(4 if curve == "cubic" else 3)]
    if budget.sliced:
        columns.append(np.log(C[budget.rows] / budget.C))
    return np.column_stack(columns)


def _profile(
    runs: Runs, C: Numbers, budget: BudgetGroup, curve: Curve, noise_sn: Callable[[int], Numbers]
) -> tuple[IsoflopProfile, Numbers, Numbers]:
    """Return the profile of a budget and the draws of its best log N and log D (s + 1,).

    `noise_sn` gives the share (s, n) by which n losses are off, in as many draws.
    """
    N, D, L = (runs[s][budget.rows] for s in "NDL")
    nothing = np.zeros(0)
    fault = _too_few(N, budget, curve)
    if fault:
        profile = IsoflopProfile(
            budget=budget,
            N=np.nan,
            D=np.nan,
            sd=np.nan,
            fault=fault,
            runs_N=N,
            runs_L=L,
            sizes=nothing,
            losses=nothing,
        )
        return profile, nothing, nothing
    luck = np.vstack([np.zeros(L.size), noise_sn(L.size)])
    L_sn = _at_one_compute(runs, C, budget) + L * luck
    log_N, sizes, losses = minima(np.log(N), L_sn, curve)
    log_D, *_ = minima(np.log(D), L_sn, curve)
    inside = np.isfinite(log_N) & np.isfinite(log_D)
    fault = _no_minimum(log_N, log_D, inside, losses, N)
    log_N, log_D = np.where(inside, log_N, np.nan), np.where(inside, log_D, np.nan)
    # A minimum that draws lose is known worse than those that keep it say (Porian et al. 2024).
    sd = float(np.nanstd(log_N[1:]) / inside[1:].mean()) if inside[1:].any() else 0.0
    N_best, D_best = (np.nan, np.nan) if fault else (np.exp(log_N[0]), np.exp(log_D[0]))
    profile = IsoflopProfile(
        budget=budget,
        N=float(N_best),
        D=float(D_best),
        sd=sd,
        fault=fault,
        runs_N=N,
        runs_L=L_sn[0],
        sizes=np.exp(sizes),
        losses=losses,
    )
    return profile, log_N, log_D


def _at_one_compute(runs: Runs, C: Numbers, budget: BudgetGroup) -> Numbers:
    """Return the losses (n,) of a budget; of a slice, moved to one C by the slope of a parabola."""
    log_N, L = np.log(runs["N"][budget.rows]), runs["L"][budget.rows]
    if not budget.sliced:
        return L
    slope = np.linalg.lstsq(_basis(log_N, C, budget, "parabola"), L, rcond=None)[0][-1]
    return np.asarray(L - slope * np.log(C[budget.rows] / budget.C))


def _too_few(N: Numbers, budget: BudgetGroup, curve: Curve) -> str:
    sizes = np.unique(N).size
    needed = max(SIZES, (5 if curve == "cubic" else 4) + budget.sliced)
    if sizes < needed:
        return f"{amount(sizes, 'size', 'sizes')} where {needed} are needed"
    return ""


def _no_minimum(
    log_N: Numbers,
    log_D: Numbers,
    inside: npt.NDArray[np.bool_],
    losses: Numbers,
    N: Numbers,
) -> str:
    if not inside[0]:
        edge = int(np.argmin(losses))
        if 0 < edge < losses.size - 1:
            return "the curve does not bend upwards inside the runs"
        name, size = ("smallest", N.min()) if edge == 0 else ("largest", N.max())
        return f"loss is least at the {name} size, {show(float(size))}: train beyond it"
    if inside[1:].size and inside[1:].mean() < HALF:
        return f"the minimum leaves the runs in {1 - inside[1:].mean():.0%} of the draws"
    return ""
