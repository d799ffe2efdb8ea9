"""Effective speed-up: how many times less compute one recipe needs than another for the same loss.

Array suffixes: s rows, q joint parameters, p parameters of one recipe's law, n runs of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, Note, RefusedByData, UsageError
from isoflop.fitting import starts
from isoflop.fitting.objective import Squared
from isoflop.fitting.problem import FitProblem, pose
from isoflop.fitting.solve import Damping, refine, solve
from isoflop.law import Binding, Law
from isoflop.laws import form
from isoflop.quantities import refuse_draws, show
from isoflop.report.display import Displayed, interval, number
from isoflop.runs import Runs, Tabular, as_runs

Share = Literal["shared", "free"]

LOSSES = 5  # at which the multiplier is told
SURPRISING = 0.05  # p-value under which a simpler model is doubted


@dataclass(frozen=True, slots=True)
class Multiplier:
    """How many times the compute of recipe B recipe A needs to reach loss L, and its interval."""

    L: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Variant:
    """Both recipes under L = E + A / C^alpha, some of whose parameters they share.

    `p_value` is the chance of runs that speak as much against it if the variant before it, which
    shares more, were true; None for the first. `multiplier` is told at the least loss that both
    recipes reached.
    """

    shared: tuple[str, ...]
    laws: tuple[Law, Law]
    multiplier: Multiplier
    p_value: float | None


@dataclass(frozen=True, eq=False)
class Speedup(Displayed):
    """The multiplier of the `chosen` variant by loss, beside the variants that share less or more.

    `lack_of_fit` is the p-value of the chosen law's form: against the scatter of `replicates` runs
    at the same compute, or against curvature in log compute where there are none.
    """

    over: str
    level: float
    chosen: Variant
    variants: tuple[Variant, ...]
    at: tuple[Multiplier, ...]
    lack_of_fit: float
    replicates: int
    noise: float
    notes: tuple[Note, ...]
    runs: tuple[Runs, Runs]

    def _facts(self) -> Iterator[str]:
        yield f"multiplier={interval(self.chosen.multiplier)}"
        yield f"L={number(self.chosen.multiplier.L)}"
        yield f"over={self.over}"
        yield f"lack_of_fit={number(self.lack_of_fit)}"


def speedup(
    A: Tabular,
    B: Tabular,
    *,
    over: str = "C",
    floor: Share = "shared",
    exponent: Share = "shared",
    fix: Mapping[str, float] | None = None,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Speedup:
    """Return how many times the compute of recipe B recipe A needs for the same loss.

    Each recipe follows L = E + A / C^alpha along its own best runs. Sharing floor and exponent
    makes the multiplier the same at every loss, (A_A / A_B)^(1/alpha); `fix` pins E or alpha.
    Draws weigh every run at random, and are widened to Student's t for the few runs there are.

    Raises CannotFit for too few runs, ConventionMismatch for recipes that are counted
    differently, UsageError for a request that makes no sense.
    """
    if floor == "free" and "E" in (fix or {}):
        raise UsageError("E is pinned and free at once; leave out --floor free or --fix E=...")
    refuse_draws(draws, level)
    A, B = as_runs(A), as_runs(B)
    both = A + B
    both.require((over, "L"))
    member_n = (np.arange(len(both)) >= len(A)).astype(int)
    problem = pose(Binding(form("power"), over, "L"), {s: both[s] for s in (over, "L")}, fix, "log")
    _refuse_few(problem, member_n)
    L_ref, losses = _losses(both["L"], member_n)
    wanted = {k for k, how in (("E", floor), ("alpha", exponent)) if how == "shared"}
    joints = _nested(problem, wanted & set(problem.free), member_n, draws, seed)
    chosen = next((j for j in joints if set(j.shared) == wanted & set(problem.free)), None)
    if chosen is None:
        raise CannotFit(f"{len(both)} runs are too few for laws that share so little: share more")
    variants = tuple(_variant(j, joints, L_ref, level) for j in joints)
    mine = variants[joints.index(chosen)]
    fits, replicates = chosen.lack_of_fit(np.log(both[over]))
    doubts = _doubts(mine, variants, fits, replicates)
    return Speedup(
        over=over,
        level=level,
        chosen=mine,
        variants=variants,
        at=tuple(chosen.multiplier(float(L), level) for L in losses),
        lack_of_fit=fits,
        replicates=replicates,
        noise=chosen.noise,
        notes=(*doubts, *both.notes),
        runs=(A, B),
    )


def _nested(
    problem: FitProblem,
    wanted: set[str],
    member_n: npt.NDArray[np.intp],
    draws: int,
    seed: int,
) -> list[_Joint]:
    """Return fits that share everything, what is wanted, the floor, nothing: most shared first."""
    free = [k for k in ("E", "alpha") if k in problem.free]
    sets: list[set[str]] = [set(free), wanted, {"E"} & set(free), set()]
    out: list[_Joint] = []
    for shared in sets:
        spare = member_n.size - 2 * len(problem.free) + len(shared)
        if spare > 0 and all(set(j.shared) != shared for j in out):
            common = tuple(k for k in free if k in shared)
            out.append(_Joint(problem, common, member_n, draws, seed))
    return out


class _Joint:
    """Both recipes fitted at once: shared parameters first, then those of A, then those of B."""

    def __init__(
        self,
        problem: FitProblem,
        shared: tuple[str, ...],
        member_n: npt.NDArray[np.intp],
        draws: int,
        seed: int,
    ) -> None:
        self.problem, self.shared, self.member_n = problem, shared, member_n
        separate = [k for k in problem.free if k not in shared]
        order = [*shared, *(f"{k} A" for k in separate), *(f"{k} B" for k in separate)]
        self.index = tuple(
            np.array([order.index(k if k in shared else f"{k} {who}") for k in problem.free])
            for who in "AB"
        )
        self.size = len(order)
        rng = np.random.default_rng(seed)
        ones = np.ones(member_n.size)
        spread = starts.spread(problem, rng, 512)
        best_starts = starts.best(problem, spread, ones, Squared(), 16)
        begin = np.empty((len(best_starts), self.size))
        for index in self.index:
            begin[:, index] = best_starts
        ends = solve(self.residuals, begin, ones[None], Squared())
        self.z_q = refine(self.residuals, ends.z_sp[ends.value_s.argmin()], ones, Squared())
        weights = rng.exponential(size=(draws, member_n.size))
        for who in (0, 1):
            mine = member_n == who
            weights[:, mine] /= weights[:, mine].mean(1, keepdims=True)
        begin = np.repeat(self.z_q[None], draws, 0)
        self.z_sq = solve(
            self.residuals, begin, weights, Squared(), damping=Damping(near=True)
        ).z_sp
        r_sn, self.J_sqn = self.residuals(self.z_q[None])
        self.r_n, self.squares = r_sn[0], float((r_sn**2).sum())

    @property
    def spare(self) -> int:
        """Runs beyond the parameters."""
        return self.member_n.size - self.size

    @property
    def noise(self) -> float:
        """The relative scatter of losses about the laws."""
        return float(np.sqrt(self.squares / self.spare))

    def residuals(self, z_sq: Numbers) -> tuple[Numbers, Numbers]:
        """Return r_sn and J_sqn of both recipes, each against its own law."""
        r_sn = np.empty((len(z_sq), self.member_n.size))
        J_sqn = np.zeros((len(z_sq), self.size, self.member_n.size))
        for who, index in enumerate(self.index):
            mine = self.member_n == who
            r, J = self.problem.residuals(z_sq[:, index])
            r_sn[:, mine] = r[:, mine]
            J_sqn[:, index[:, None], np.flatnonzero(mine)] = J[:, :, mine]
        return r_sn, J_sqn

    def laws(self, z: Numbers) -> tuple[Any, Any]:
        """Return the law of each recipe at joint parameters (q,) or (s, q)."""
        return self.problem.law(z[..., self.index[0]]), self.problem.law(z[..., self.index[1]])

    def multiplier(self, L: float, level: float) -> Multiplier:
        """Return C_A / C_B at loss L, with an interval widened to Student's t."""
        from scipy.stats import norm, t

        with np.errstate(all="ignore"):
            value, draws = (
                np.log(A.input_for(y=L)) - np.log(B.input_for(y=L))
                for A, B in (self.laws(self.z_q), self.laws(self.z_sq))
            )
            if set(self.problem.free) - {"A"} <= set(self.shared):  # no loss comes into it
                value, draws = (
                    (np.log(A.A) - np.log(B.A)) / A.alpha
                    for A, B in (self.laws(self.z_q), self.laws(self.z_sq))
                )
        tail = (1 + level) / 2
        # Weights within a recipe of n/2 runs scatter its mean by 1/(n/2 + 1), not by 1/(n/2).
        few = (self.member_n.size + 2) / self.spare
        wide = np.sqrt(few) * t.ppf(tail, self.spare) / norm.ppf(tail)
        finite = np.ravel(draws)[np.isfinite(np.ravel(draws))]
        if not finite.size:
            return Multiplier(L, float(np.exp(value)), np.nan, np.nan)
        ends = value + wide * (np.quantile(finite, [1 - tail, tail]) - value)
        return Multiplier(L, float(np.exp(value)), *(float(e) for e in np.exp(ends)))

    def lack_of_fit(self, log_x: Numbers) -> tuple[float, int]:
        """Return the p-value of the form, and how many runs repeat another's compute."""
        from scipy.stats import f

        cells = np.unique(np.stack([self.member_n, log_x.round(9)]), axis=1, return_inverse=True)[1]
        counts = np.bincount(cells.ravel())
        repeats = int((counts - 1).sum())
        if repeats and self.spare > repeats:
            means = np.bincount(cells.ravel(), self.r_n) / counts
            pure = float(((self.r_n - means[cells.ravel()]) ** 2).sum())
            extra, free = self.spare - repeats, repeats
            ratio = (self.squares - pure) / extra / (pure / free) if pure > 0 else np.inf
            return float(f.sf(ratio, extra, free)), repeats
        bends = [np.where(self.member_n == w, (log_x - log_x.mean()) ** 2, 0.0) for w in (0, 1)]
        columns = np.column_stack([*self.J_sqn[0], *bends])
        residuals = self.r_n - columns @ np.linalg.lstsq(columns, self.r_n, rcond=None)[0]
        free = self.member_n.size - int(np.linalg.matrix_rank(columns))
        if free < 1 or not (residuals**2).sum() > 0:
            return float("nan"), 0
        ratio = (
            (self.squares - (residuals**2).sum())
            / (self.spare - free)
            / ((residuals**2).sum() / free)
        )
        return float(f.sf(ratio, self.spare - free, free)), 0


def _variant(joint: _Joint, nested: Sequence[_Joint], L: float, level: float) -> Variant:
    from scipy.stats import f

    tighter = [j for j in nested if set(j.shared) > set(joint.shared)]
    p_value = None
    if tighter and joint.squares > 0:
        other = tighter[-1]
        extra = joint.size - other.size
        ratio = (other.squares - joint.squares) / extra / (joint.squares / joint.spare)
        p_value = float(f.sf(max(ratio, 0.0), extra, joint.spare))
    return Variant(joint.shared, joint.laws(joint.z_q), joint.multiplier(L, level), p_value)


def _refuse_few(problem: FitProblem, member_n: npt.NDArray[np.intp]) -> None:
    x_n = problem.inputs[0]
    for who, name in enumerate("AB"):
        distinct = np.unique(x_n[member_n == who]).size
        if distinct < 2:
            raise CannotFit(
                f"recipe {name} has runs at {distinct} compute; a speed-up needs at least 2 each"
            )
    needed = len(problem.free) + 2
    if member_n.size < needed:
        raise CannotFit(
            f"{member_n.size} runs of both recipes cannot pin {', '.join(problem.free)} down with "
            f"one to spare; at least {needed} are needed: add runs, or pin with --fix E=..."
        )


def _losses(L_n: Numbers, member_n: npt.NDArray[np.intp]) -> tuple[float, Numbers]:
    """Return the least loss that both recipes reached, and losses over the range that both saw."""
    sides = [L_n[member_n == who] for who in (0, 1)]
    low, high = max(s.min() for s in sides), min(s.max() for s in sides)
    if low > high:
        raise RefusedByData(
            f"no loss was reached by both recipes: one stays above {low:.4g}, the other below "
            f"{high:.4g}; add runs until their losses overlap"
        )
    return float(low), np.linspace(low, high, LOSSES)


def _doubts(
    chosen: Variant,
    variants: Sequence[Variant],
    p_value: float,
    replicates: int,
) -> tuple[Note, ...]:
    notes = []
    if p_value < SURPRISING:
        against = f"the scatter of {replicates} repeats" if replicates else "a curve in log compute"
        notes.append(
            Note(
                "doubt",
                "misfit",
                f"the laws do not fit (p = {show(p_value, 2)} against {against}): runs off the "
                "compute-optimal frontier, or another form; the multiplier is not to be trusted",
            )
        )
    for v in variants:
        if v.p_value is not None and v.p_value < SURPRISING and len(v.shared) < len(chosen.shared):
            freed = " and ".join(sorted(set(chosen.shared) - set(v.shared)))
            notes.append(
                Note(
                    "doubt",
                    "disagreement",
                    f"the recipes differ in {freed} (p = {show(v.p_value, 2)}): the multiplier "
                    f"changes "
                    "with the loss",
                )
            )
    return tuple(notes)
