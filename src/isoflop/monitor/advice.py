"""Go on or stop: will a run of reinforcement learning reach its target within its budget.

Every sigmoid that a run may follow is weighed by the evaluations so far. "stop" is said once the
evaluations are `STRICT / alpha` times likelier under curves that miss the target than under those
that reach it. That ratio may be looked at after every evaluation (Ville 1939); `STRICT` is for
runs that follow no sigmoid, or drift: with it, at most alpha of simulated runs that would have
reached their target were ever told to stop (docs/rl.md, benchmarks/bench_advice.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, RefusedByData, UsageError
from isoflop.fitting import Interval
from isoflop.fitting.posterior import Posterior, beliefs, believe
from isoflop.law import Binding, Law
from isoflop.laws.sigmoid import Sigmoid
from isoflop.quantities import show
from isoflop.report.display import Displayed
from isoflop.runs import Runs

Say: TypeAlias = Literal["continue", "stop", "not yet known"]

ALPHA = 0.10  # the most false stops per run
STRICT = 4.0
FIRST = 8  # evaluations before which nothing is said
# The curves that a run may follow: ceilings, computes of half the gain and steepnesses, and where
# they lie before any evaluation. Ceilings crowd at both ends: some tasks are learnt in full, and
# some recipes teach nothing.
CEILINGS, MIDDLES, STEEPNESSES = 40, 40, 12
MIDDLE = (1 / 300, 10.0)  # times the budget
STEEP, STEEPNESS = (0.4, 5.0), (1.4, 0.5)  # range of B; its median, and spread in logs
Box: TypeAlias = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
WHOLE: Box = (
    (0.0, np.pi / 2),
    (float(np.log(MIDDLE[0])), float(np.log(MIDDLE[1]))),
    (float(np.log(STEEP[0])), float(np.log(STEEP[1]))),
)
FINEST = 6  # times that the grid is narrowed at most
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class StopEvaluation:
    """What was said after one evaluation: at which compute, and on what grounds.

    `against` is how many times likelier the evaluations are if the target is missed, `reaches`
    how likely it is to be reached.
    """

    at: float
    reward: float
    reaches: float
    against: float
    says: Say


@dataclass(frozen=True, eq=False)
class StopAdvice(Displayed):
    """What to do with a run, and why.

    `reward` is the interval of the reward at the end of the budget, `gain` that of what the next
    `step` of compute adds; `expected` the mean of either. `looks` is what would have been said
    after every evaluation; a "stop" once said stands.
    """

    says: Say
    target: float
    budget: float
    over: str
    reaches: float
    expected: tuple[float, float]
    reward: Interval
    gain: Interval
    step: float
    looks: tuple[StopEvaluation, ...]
    x: Numbers
    curves: Numbers
    alpha: float
    why: str


def advise(
    runs: Runs,
    over: str,
    *,
    target: float,
    budget: float,
    start: float | None = None,
    step: float | None = None,
    alpha: float = ALPHA,
    level: float = 0.9,
    seed: int = 0,
) -> StopAdvice:
    """Return whether to go on with the run whose evaluations these are, in order.

    `target` is the reward that is wanted by `budget` [unit of `over`], `start` the reward before
    training (the first evaluation is taken for it if there is none). `step` is the compute whose
    gain is asked for, a tenth of the budget unless given.

    Raises RefusedByData if the budget is spent, CannotFit for a reward that never changes,
    UsageError for a target or a budget that cannot be.
    """
    x, R = runs[over], runs["R"]
    _check(x, R, target, budget, alpha)
    first = float(R[0]) if start is None else start
    laws, prior_s = _curves(first, budget)
    binding = Binding(Sigmoid, over)
    posteriors = beliefs(laws, prior_s, binding, runs, list(range(1, len(runs) + 1)))
    step = budget / 10 if step is None else step
    at = np.array([float(x[-1]), min(float(x[-1]) + step, budget), budget])
    end_s = np.asarray(laws(at[-1:]))[:, 0]
    evaluations = _looks(posteriors, end_s >= target, x, R, alpha)
    after = _sharpened(first, budget, binding, runs, posteriors[-1])
    now_s, next_s, end_s = np.asarray(after.laws(at)).T
    rows = np.random.default_rng(seed).choice(after.weight_s.size, DRAWS, p=after.weight_s)
    grid = np.geomspace(float(x[0]), budget, 60)
    tail = [(1 - level) / 2, (1 + level) / 2]
    verdict = _standing(evaluations)
    return StopAdvice(
        says=verdict.says,
        target=target,
        budget=budget,
        over=over,
        reaches=evaluations[-1].reaches,
        expected=(float(after.weight_s @ end_s), float(after.weight_s @ (next_s - now_s))),
        reward=Interval(*np.quantile(end_s[rows], tail).tolist()),
        gain=Interval(*np.quantile((next_s - now_s)[rows], tail).tolist()),
        step=float(at[1] - at[0]),
        looks=tuple(evaluations),
        x=grid,
        curves=np.asarray(after.laws[rows[:400]](grid)),
        alpha=alpha,
        why=_why(verdict, evaluations[-1], alpha, len(runs)),
    )


def looks(
    runs: Runs, over: str, *, target: float, budget: float, start: float, alpha: float = ALPHA
) -> tuple[StopEvaluation, ...]:
    """Return what is said after every evaluation of a run, in order."""
    laws, prior_s = _curves(start, budget)
    end_s = np.asarray(laws(np.array([budget])))[:, 0]
    counts = list(range(1, len(runs) + 1))
    posteriors = beliefs(laws, prior_s, Binding(Sigmoid, over), runs, counts)
    return tuple(_looks(posteriors, end_s >= target, runs[over], runs["R"], alpha))


def _curves(start: float, budget: float, box: Box = WHOLE) -> tuple[Law, Numbers]:
    """Return the sigmoids that a run may follow (s,), and how likely each is beforehand (s,).

    `box` holds the ends of the grid, along each of whose axes all places are alike beforehand:
    the angle whose squared sine is the ceiling, the log of C_mid over the budget, the log of B.
    """
    (low, high), middles, steeps = box
    angle = low + (high - low) * (np.arange(CEILINGS) + 0.5) / CEILINGS
    grid = np.meshgrid(
        start + (1 - start) * np.sin(angle) ** 2,
        budget * np.exp(np.linspace(*middles, MIDDLES)),
        np.exp(np.linspace(*steeps, STEEPNESSES)),
        indexing="ij",
    )
    A, C_mid, B = (v.ravel() for v in grid)
    prior_s = np.exp(-0.5 * (np.log(B / STEEPNESS[0]) / STEEPNESS[1]) ** 2)
    numbers: dict[str, Any] = {"R_0": np.full(A.size, start), "A": A, "C_mid": C_mid, "B": B}
    laws = Sigmoid(**numbers)
    return laws, prior_s / prior_s.sum()


def _sharpened(
    start: float, budget: float, binding: Binding, runs: Runs, belief: Posterior
) -> Posterior:
    """Return the belief on a grid as fine as the evaluations tell curves apart.

    A long run leaves all weight on a curve or two of the grid; the part of it that has weight is
    then gridded anew, and again, until that takes no more than half of it away.
    """
    box = WHOLE
    for _ in range(FINEST):
        inner = _holding(box, belief)
        fraction = np.prod([np.ptp(new) / np.ptp(old) for new, old in zip(inner, box, strict=True)])
        if fraction > 0.5:
            break
        box = inner
        belief = believe(*_curves(start, budget, box), binding, runs)
    return belief


def _holding(box: Box, belief: Posterior) -> Box:
    """Return the part of a box that all weight but a ten thousandth lies in, and a step more."""
    weight = belief.weight_s.reshape(CEILINGS, MIDDLES, STEEPNESSES)
    inner = []
    for axis, (low, high) in enumerate(box):
        marginal = weight.sum(tuple(a for a in range(3) if a != axis))
        step = (high - low) / (marginal.size - 1)
        inside = np.flatnonzero(marginal > 1e-4 * marginal.max())
        ends = low + step * (inside[[0, -1]] + np.array([-1, 1]))
        inner.append((max(low, float(ends[0])), min(high, float(ends[1]))))
    return inner[0], inner[1], inner[2]


def _looks(
    posteriors: list[Posterior],
    reaching_s: npt.NDArray[np.bool_],
    x: Numbers,
    R: Numbers,
    alpha: float,
) -> list[StopEvaluation]:
    out = []
    for i, belief in enumerate(posteriors):
        against = belief.evidence(~reaching_s)
        reaches = belief.probability(reaching_s)
        says: Say = "not yet known"
        if i + 1 >= FIRST and against >= STRICT / alpha:
            says = "stop"
        elif i + 1 >= FIRST and reaches >= 1 - alpha:
            says = "continue"
        out.append(StopEvaluation(float(x[i]), float(R[i]), reaches, against, says))
    return out


def _standing(evaluations: list[StopEvaluation]) -> StopEvaluation:
    """Return the look whose word stands: the first "stop", or the last look."""
    return next((look for look in evaluations if look.says == "stop"), evaluations[-1])


def _why(verdict: StopEvaluation, last: StopEvaluation, alpha: float, count: int) -> str:
    if verdict.says == "stop":
        return (
            f"the evaluations up to {show(verdict.at)} were {show(verdict.against, 2)} times "
            f"likelier if the target is missed; {STRICT / alpha:.0f} times is enough to stop"
        )
    if count < FIRST:
        return f"{count} evaluations are too few; {FIRST} are needed before anything is said"
    if last.says == "continue":
        share = "over 99%" if last.reaches > 0.99 else f"{last.reaches:.0%}"
        return f"the target is reached with a probability of {share}"
    return (
        f"the target is reached with a probability of {last.reaches:.0%}, which is neither "
        f"{1 - alpha:.0%} nor excluded: look again after the next evaluation"
    )


def _check(x: Numbers, R: Numbers, target: float, budget: float, alpha: float) -> None:
    if not 0 < alpha < 0.5:
        raise UsageError(f"alpha is {alpha:g}; it is a rate of false stops, such as 0.1")
    if not 0 < target < 1:
        raise UsageError(
            f"the target is {target:g}; it must lie within the range of rewards, above 0 and "
            "below 1 of it"
        )
    if np.ptp(R) == 0 and R.size > 1:
        raise CannotFit(f"the reward is {R[0]:g} in all {R.size} evaluations: nothing is learnt")
    if budget <= x[-1]:
        raise RefusedByData(
            f"the budget, {show(budget)}, is spent: the last evaluation stands at "
            f"{show(float(x[-1]))}; give the compute that there is in all, not what is left"
        )
