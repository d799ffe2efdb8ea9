"""Fit to the small runs, predict the large ones that were held back, and count the error.

Every law, objective, split and draw is a row of the batched solve: a held-out run has weight 0.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.split_optima import Effort, split_optima
from isoflop.assess.extrapolation.splits import Split, direction, reach, splits
from isoflop.errors import CannotFit, IsoflopError, Note, RefusedByData, UsageError
from isoflop.fitting.objective import Objective, objective
from isoflop.fitting.problem import FitProblem, pose
from isoflop.fitting.resample import clustered
from isoflop.fitting.solve import Damping, solve
from isoflop.fitting.whole_runs import whole_runs
from isoflop.law import Binding, form
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed
from isoflop.runs import Runs, Tabular, as_runs

SPARE = 3  # runs that a split must hold beyond the law's parameters
PASSES = 60  # of a refit: where it creeps for longer, its errors have long ceased to move

Watch = Callable[[float, float], None]  # how much is done, and of how much


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

    @property
    def binding(self) -> Binding:
        """The law with its open symbols bound."""
        return Binding(form(self.law), self.over, self.predicts)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the law takes, as far as it is bound."""
        takes = form(self.law).takes
        return tuple(self.over if s == "x" and self.over else s for s in takes)

    @property
    def free(self) -> int:
        """How many parameters are fitted."""
        return len(form(self.law).params) - len(self.fix)


@dataclass(frozen=True, eq=False)
class HeldOutErrors(Displayed):
    """What one candidate, fitted to the runs of a split, said of those that were held out.

    `error` (k,) is log(prediction / truth), `ratio` (k,) how far beyond the split a run lies, and
    `run` (k,) its place in the table. `residuals` (m,) are those of the runs that were fitted,
    widened for the parameters spent on them; `draws` (s, k) are errors of refits, None if none.
    """

    candidate: Candidate
    split: Split
    run: npt.NDArray[np.int64]
    ratio: Numbers
    error: Numbers
    residuals: Numbers
    draws: Numbers | None

    @property
    def cut(self) -> float:
        """The largest value that the fit was shown."""
        return self.split.cut

    @property
    def trained(self) -> int:
        """How many runs the fit was shown."""
        return int(self.split.train.sum())


@dataclass(frozen=True)
class Refused:
    """A candidate that could not be backtested, and why."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True, eq=False)
class Backtest(Displayed):
    """The errors of every candidate on every split; `refused` says which could not be tested."""

    axes: tuple[str, ...]
    results: tuple[HeldOutErrors, ...]
    refused: tuple[Refused, ...]
    level: float
    runs: Runs

    def _facts(self) -> Iterator[str]:
        yield f"along {', '.join(self.axes)}"
        for candidate in self.candidates:
            yield f"{candidate.name}: {self.rms(candidate):.2%}"
        if self.refused:
            yield f"refused={len(self.refused)}"

    @functools.cached_property
    def member(self) -> npt.NDArray[np.int64]:
        """Which run each row (n,) of the table in order belongs to, numbered from 0."""
        whole = whole_runs(in_order(self.runs))
        return np.arange(len(self.runs)) if whole is None else whole.members

    @property
    def notes(self) -> tuple[Note, ...]:
        """That whole runs are held out, where several rows are of one run."""
        whole = whole_runs(self.runs)
        return () if whole is None else (whole.note("held out and resampled"),)

    def of(self, candidate: Candidate) -> tuple[HeldOutErrors, ...]:
        """Return what a candidate said, split by split."""
        return tuple(h for h in self.results if h.candidate == candidate)

    def errors(self, candidate: Candidate) -> tuple[Numbers, Numbers]:
        """Return how far beyond its cut each held-out run lies, and the log error there."""
        mine = self.of(candidate)
        return np.concatenate([h.ratio for h in mine]), np.concatenate([h.error for h in mine])

    def rms(self, candidate: Candidate) -> float:
        """Return the root of the mean over splits of their mean squared log errors.

        0.01 is one per cent. Every split counts alike, however many runs it holds out.
        """
        return float(np.sqrt(np.mean([(h.error**2).mean() for h in self.of(candidate)])))

    def bias(self, candidate: Candidate) -> float:
        """Return the mean log error; above zero, the candidate is too pessimistic."""
        return float(self.errors(candidate)[1].mean())

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates that were tested, best first."""
        unique: list[Candidate] = []
        for h in self.results:
            if h.candidate not in unique:
                unique.append(h.candidate)
        return tuple(sorted(unique, key=self.rms))


def backtest(
    candidates: Sequence[Candidate],
    runs: Tabular,
    *,
    axis: str | Sequence[str] | None = None,
    cuts: Sequence[float] | int = 4,
    draws: int = 0,
    level: float = 0.9,
    seed: int = 0,
    effort: Effort | None = None,
    watch: Watch | None = None,
) -> Backtest:
    """Return the errors of each candidate, fitted below each cut, on the runs above it.

    `axis` names one quantity or several, such as ("C", "N", "D"); without a column C it is 6ND.
    Unless it is given it is compute, or the one size that there is.
    `cuts` are values of it, or how many to place: the highest leaves out the top level, the
    others go down from there while enough runs stay to fit. All candidates see the same splits.
    `draws` refits of each split to resampled runs give coverage. The order of the rows does not
    matter. A candidate that cannot be tested is a row of `refused`. `effort` is how hard the
    optimum of each split is looked for; `watch` is called with how many candidates are done, and
    of how many.

    Raises CannotFit if no candidate can be tested, UsageError for no candidates, BadRuns for
    cells that no run can have.
    """
    refuse_draws(draws, level)
    if not candidates:
        raise UsageError("there is no candidate to backtest")
    table = as_runs(runs)
    axis = axis or direction(table, [s for c in candidates for s in c.inputs])
    symbols = (axis,) if isinstance(axis, str) else tuple(axis)
    runs = in_order(table)
    able, refused = _posed(candidates, runs, [s for s in symbols if s in runs])
    placed: tuple[Split, ...] = ()
    while able and not placed:
        takes = sorted({s for c, _ in able for s in c.binding.takes})
        largest = max(c.free for c, _ in able)
        try:
            placed = splits(runs, symbols, cuts, takes, SPARE + largest)
        except CannotFit as reason:
            refused += [Refused(c, str(reason)) for c, _ in able if c.free == largest]
            able = [(c, p) for c, p in able if c.free < largest]
    test = _Splits(runs, placed, draws, seed, effort or Effort())
    errors: list[HeldOutErrors] = []
    for i, (c, problem) in enumerate(able):
        if watch is not None:
            watch(i, len(able))
        try:
            errors += _held(c, problem, test)
        except RefusedByData as reason:
            refused.append(Refused(c, str(reason)))
    if not errors:
        raise CannotFit(refused[-1].reason)
    return Backtest(symbols, tuple(errors), tuple(refused), level, table)


def in_order(runs: Runs) -> Runs:
    """Return the runs sorted by their numbers, so that draws do not hang on the order of rows."""
    columns = [runs[s] for s in sorted(runs.columns)]
    return runs.select(np.lexsort(columns)) if columns else runs


def _posed(
    candidates: Sequence[Candidate], runs: Runs, axes: Sequence[str]
) -> tuple[list[tuple[Candidate, FitProblem]], list[Refused]]:
    """Return the problem of each candidate, and those that the table cannot feed.

    What is asked of the columns `axes` is asked at once with what a candidate needs.
    """
    able: list[tuple[Candidate, FitProblem]] = []
    refused: list[Refused] = []
    for c in candidates:
        objective(c.objective)  # an unknown name is the caller's mistake, not the data's
        binding = c.binding
        symbols = (*binding.takes, binding.predicts)
        try:
            runs.require(dict.fromkeys((*symbols, *axes)))
            able.append((c, pose(binding, {s: runs[s] for s in symbols}, c.fix)))
        except IsoflopError as reason:
            if len(candidates) == 1:
                raise
            refused.append(Refused(c, str(reason)))
    return able, refused


@dataclass(frozen=True, eq=False)
class _Splits:
    """What every candidate is tested on: splits of runs, and how its optimum is looked for."""

    runs: Runs
    placed: tuple[Split, ...]
    draws: int
    seed: int
    effort: Effort


def _held(candidate: Candidate, problem: FitProblem, trial: _Splits) -> list[HeldOutErrors]:
    """Return the errors of a candidate on every split."""
    placed, draws = trial.placed, trial.draws
    target, rng = objective(candidate.objective), np.random.default_rng(trial.seed)
    whole = whole_runs(trial.runs)
    members = np.arange(len(trial.runs)) if whole is None else whole.members
    seen_cn = np.array([s.train for s in placed], float)
    z_cp = split_optima(problem, seen_cn, target, rng, trial.effort)
    error_cn = _log_error(problem, problem.values(z_cp))
    drawn_csn = None
    if draws:
        counts = [clustered(rng, members[split.train], draws) for split in placed]
        drawn_csn = _drawn(problem, z_cp, seen_cn, target, counts)
    inputs = {s: trial.runs[s] for s in candidate.binding.takes}
    out = []
    for i, split in enumerate(placed):
        train, test = split.train, ~split.train
        if not np.isfinite(error_cn[i]).all():
            raise CannotFit(f"{candidate.name}, fitted to {split.name}, has no value at some runs")
        ratio = reach(
            {s: v[train] for s, v in inputs.items()}, {s: v[test] for s, v in inputs.items()}
        )
        wider = np.sqrt(train.sum() / (train.sum() - len(problem.free)))
        samples = None if drawn_csn is None else drawn_csn[i][:, test]
        out.append(
            HeldOutErrors(
                candidate=candidate,
                split=split,
                run=np.flatnonzero(test),
                ratio=ratio,
                error=error_cn[i, test],
                residuals=error_cn[i, train] * wider,
                draws=samples,
            )
        )
    return out


def _drawn(
    problem: FitProblem,
    z_cp: Numbers,
    seen_cn: Numbers,
    target: Objective,
    counts: Sequence[Numbers],
) -> Numbers:
    """Return the log errors (c, s, n) of refits to the resampled runs of every split.

    `counts` are, split by split, how often each draw holds each run that was seen.
    """
    out = []
    for z_p, seen_n, count_sn in zip(z_cp, seen_cn > 0, counts, strict=True):
        # Runs that no row may see are left out of the work: half of it, over all splits.
        part = replace(
            problem,
            inputs=tuple(v[seen_n] for v in problem.inputs),
            output_n=problem.output_n[seen_n],
        )
        solution = solve(
            part.residuals,
            np.repeat(z_p[None], len(count_sn), 0),
            count_sn,
            target,
            damping=Damping(near=True, scaled=problem.has_unbounded, passes=PASSES),
        )
        out.append(_log_error(problem, problem.values(solution.z_sp)))
    return np.array(out)


def _log_error(problem: FitProblem, r_sn: Numbers) -> Numbers:
    """Return log(prediction / truth) of residuals on either scale."""
    if problem.kind == "log":
        return r_sn
    ratio_sn = 1 + r_sn / problem.output_n
    return np.asarray(np.log(np.maximum(ratio_sn, 1e-300)))
