"""Fit to the small runs, predict the large ones that were held back, and count the error.

Every law, objective and split is a set of rows of the batched solve: a held-out run has weight 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from isoflop.errors import CannotFit, UsageError
from isoflop.fitting import starts
from isoflop.fitting.objective import objective
from isoflop.fitting.problem import Problem, pose
from isoflop.fitting.solve import solve
from isoflop.law import Binding, form
from isoflop.runs import Runs

Numbers = npt.NDArray[np.float64]

SPARE = 3  # runs that a split must hold beyond the law's parameters


@dataclass(frozen=True)
class Candidate:
    """A way to fit: a law, what is pinned, and the objective."""

    law: str
    fix: Mapping[str, float] = field(default_factory=dict)
    objective: str = "huber"
    over: str | None = None
    predicts: str | None = None

    @property
    def name(self) -> str:
        """The law, and what sets it apart: "chinchilla, E = 0"."""
        pins = [f"{k} = {v:g}" for k, v in self.fix.items()]
        plain = [] if self.objective == "huber" else [self.objective]
        return ", ".join([self.law, *pins, *plain])


@dataclass(frozen=True, eq=False)
class Held:
    """What one candidate, fitted to runs up to `cut`, said of the runs beyond it.

    `error` (k,) is log(prediction / truth); `ratio` (k,) says how far beyond the cut a run lies.
    """

    candidate: Candidate
    cut: float
    trained: int
    ratio: Numbers
    error: Numbers


@dataclass(frozen=True, eq=False)
class Backtest:
    """The errors of every candidate on every split, along one quantity."""

    along: str
    held: tuple[Held, ...]

    def errors(self, candidate: Candidate) -> tuple[Numbers, Numbers]:
        """Return how far beyond its cut each held-out run lies, and the log error there."""
        mine = [h for h in self.held if h.candidate == candidate]
        return np.concatenate([h.ratio for h in mine]), np.concatenate([h.error for h in mine])

    def rms(self, candidate: Candidate) -> float:
        """Return the root mean square of the log errors: 0.01 is one per cent."""
        return float(np.sqrt((self.errors(candidate)[1] ** 2).mean()))

    def bias(self, candidate: Candidate) -> float:
        """Return the mean log error; above zero, the candidate is too pessimistic."""
        return float(self.errors(candidate)[1].mean())

    def growth(self, candidate: Candidate) -> float:
        """Return k of the error sd(ratio) = k log(ratio), by least squares through the origin.

        A law of the wrong form drifts off as it is carried further, by about as much per decade.
        """
        ratio, error = self.errors(candidate)
        distance = np.log(ratio)
        return float(np.sqrt((error**2).sum() / (distance**2).sum()))

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates, best first."""
        unique: list[Candidate] = []
        for h in self.held:
            if h.candidate not in unique:
                unique.append(h.candidate)
        return tuple(sorted(unique, key=self.rms))


def backtest(
    candidates: Sequence[Candidate],
    runs: Runs,
    *,
    along: str = "C",
    cuts: Sequence[float] | int = 4,
    seed: int = 0,
) -> Backtest:
    """Return the errors of each candidate, fitted below each cut, on the runs above it.

    `cuts` are values of `along`, or how many to place: the highest leaves out the top budget, the
    others go down from there while enough runs stay to fit. All candidates see the same splits.

    Raises CannotFit if not one split leaves enough runs, UsageError for no candidates.
    """
    if not candidates:
        raise UsageError("there is no candidate to backtest")
    runs.require((along,))
    needed = SPARE + max(len(form(c.law).params) - len(c.fix) for c in candidates)
    placed = _cuts(runs[along], cuts, needed)
    held = [h for c in candidates for h in _held(c, runs, along, placed, seed)]
    return Backtest(along, tuple(held))


def _cuts(values: Numbers, cuts: Sequence[float] | int, needed: int) -> tuple[float, ...]:
    """Return the cuts that leave at least `needed` runs below and one above."""
    levels = np.unique(values)
    if isinstance(cuts, int):
        # Budgets of a grid scatter by a step or so; a gap of 10 % parts them.
        edges = np.flatnonzero(np.diff(np.log(levels)) > 0.1)
        ends = levels[edges] if edges.size else levels[:-1]
        able = [c for c in ends if (values <= c).sum() >= needed]
        if len(able) > cuts:
            able = [able[i] for i in np.linspace(0, len(able) - 1, cuts).round().astype(int)]
    else:
        able = [c for c in cuts if (values <= c).sum() >= needed and (values > c).any()]
    if not able:
        raise CannotFit(
            f"no split of the {values.size} runs leaves {needed} below and one above; "
            "a backtest needs runs at more budgets"
        )
    return tuple(float(c) for c in able)


def _held(
    candidate: Candidate, runs: Runs, along: str, cuts: tuple[float, ...], seed: int
) -> list[Held]:
    binding = Binding(form(candidate.law), candidate.over, candidate.predicts)
    symbols = (*binding.takes, binding.predicts)
    runs.require(symbols)
    problem = pose(binding, {s: runs[s] for s in symbols}, candidate.fix)
    z_cp = _fits(problem, [runs[along] <= c for c in cuts], candidate.objective, seed)
    r_cn = problem.values(z_cp)
    if problem.kind == "linear":
        observed = runs[binding.predicts]
        r_cn = np.log(np.maximum(observed + r_cn, 1e-300)) - np.log(observed)
    out = []
    for cut, r_n in zip(cuts, r_cn, strict=True):
        above = runs[along] > cut
        ratio = runs[along][above] / cut
        out.append(Held(candidate, cut, int((~above).sum()), ratio, r_n[above]))
    return out


def _fits(problem: Problem, trained: list[npt.NDArray[np.bool_]], name: str, seed: int) -> Numbers:
    """Return the best point of each split, z_cp: all polished starts of all splits in one solve."""
    target, rng, polished = objective(name), np.random.default_rng(seed), 12
    spread = starts.spread(problem, rng, 512)
    weights_cn = np.array(trained, float)
    start = [starts.best(problem, spread, w_n, target, polished) for w_n in weights_cn]
    found = solve(
        problem.residuals, np.concatenate(start), np.repeat(weights_cn, polished, 0), target
    )
    value_ck = found.value_s.reshape(len(trained), polished)
    z_ckp = found.z_sp.reshape(len(trained), polished, -1)
    return np.asarray(z_ckp[np.arange(len(trained)), value_ck.argmin(1)])
