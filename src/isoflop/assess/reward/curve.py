"""Reward against compute in reinforcement learning: which law, how well known, up to where.

The ceiling of a sigmoid shows only once its middle is passed: simulated from table 1 of ScaleRL,
it is known to .003-.007 at three to five times C_mid, to .02-.04 at twice, and below C_mid it may
be nearly anything (docs/rl.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from isoflop.assess.extrapolation.backtest import Candidate
from isoflop.assess.extrapolation.comparison import Comparison, compare
from isoflop.assess.identifiability import identify
from isoflop.errors import BadRuns, CannotFit, Note, RefusedByData, UsageError
from isoflop.fitting import Fit, Interval, fit
from isoflop.law import Law
from isoflop.laws import form
from isoflop.quantities import quantity, refuse_draws, show
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows

Known: TypeAlias = Literal["known", "roughly", "unknown"]

COMPUTE = ("C", "hours", "rollouts", "steps")  # what a reward may be held against; first found
LAW = "sigmoid"
FEWEST = 6  # evaluations: three parameters, and three to see whether they fit
UNKNOWN, ROUGHLY = 1.0, 2.0  # times C_mid up to which a ceiling is not known, and known to .04
WINDOWS = (0.0, 0.05, 0.1, 0.2, 0.3)  # shares of the compute that are left out at the beginning


@dataclass(frozen=True, eq=False)
class RewardCurve(Displayed):
    """A sigmoid through the evaluations of one recipe, R a share of its range.

    `intervals` are profile likelihoods, at the level of the fit; `open` names parameters whose
    interval the evaluations do not close. `by_run` holds the law of each run by itself, where
    there are several. `after` is the compute before which evaluations were left out.
    """

    recipe: str
    over: str
    fit: Fit[Any]
    intervals: Mapping[str, Interval]
    open: tuple[str, ...]
    by_run: Mapping[str, Law]
    after: float

    @property
    def law(self) -> Any:
        """The fitted sigmoid."""
        return self.fit.law

    @property
    def furthest(self) -> float:
        """The compute of the last evaluation."""
        return float(self.fit.runs[self.over].max())

    @property
    def reach(self) -> float:
        """How many times C_mid the evaluations go to."""
        return self.furthest / float(self.law.C_mid)

    @property
    def surely(self) -> float:
        """How many times C_mid they go to at least: of its upper end, as it is not known either."""
        high = self.intervals["C_mid"].high if "C_mid" in self.intervals else self.law.C_mid
        return self.furthest / float(high)

    @property
    def noise(self) -> float:
        """The spread of an evaluation about the curve, in reward."""
        free = len(self.fit.free)
        return float(np.sqrt((self.fit.residuals**2).sum() / max(len(self.fit.runs) - free, 1)))

    @property
    def known(self) -> Known:
        """Whether the ceiling is known, which hangs on how far beyond C_mid evaluations go."""
        refused = self.fit.status == "refused" or self.falls
        if refused or self.surely < UNKNOWN or "A" in self.open or self.at_bound("A"):
            return "unknown"
        return "roughly" if self.surely < ROUGHLY else "known"

    @property
    def falls(self) -> bool:
        """Whether the curve goes down from R_0."""
        return bool(self.law.A < self.law.R_0)

    def at_bound(self, name: str) -> bool:
        """Return whether a parameter stands at the end of what it may be."""
        low, high = type(self.law).params[name].bounds
        value = float(getattr(self.law, name))
        near = 1e-3 * (high - low if np.isfinite(high) else value)
        return name in self.fit.free and min(value - low, high - value) < near

    def spread(self, name: str) -> float | None:
        """Return the standard deviation of a parameter between runs; None of a single run."""
        if len(self.by_run) < 2:
            return None
        return float(np.std([getattr(law, name) for law in self.by_run.values()], ddof=1))

    def ceiling(self) -> Interval:
        """Return the interval of A.

        Raises RefusedByData where the evaluations do not reach far enough to see a ceiling.
        """
        if self.known == "unknown":
            raise RefusedByData(f"{self.recipe}: the ceiling is not known: {self.says}")
        return self.intervals["A"]

    @property
    def says(self) -> str:
        """What the evaluations can say of the ceiling, in a sentence."""
        if self.falls:
            first, last = self.law(np.array([self.fit.runs[self.over].min(), self.furthest]))
            return (
                f"the reward falls, from {first:.3g} to {last:.3g} along the curve: there is no "
                "ceiling to be seen, and no reason to train on as it is"
            )
        at = (
            f"the last evaluation stands at {show(self.reach, 2)} times C_mid (at least "
            f"{show(self.surely, 2)})"
        )
        if self.at_bound("A"):
            return (
                f"A is at its bound, {self.law.A:.3g}: either the task can be learnt in full, or "
                f"the curve has not bent yet; {at}, and no ceiling below 1 was seen"
            )
        if "A" in self.open:
            return f"{at}, and any ceiling up to 1 fits as well; train on"
        return f"{at}; {_SAYS[self.known]}"


_SAYS: Mapping[Known, str] = {
    "unknown": "below 1 a ceiling may be nearly anything; train to 2 times C_mid to see it",
    "roughly": "between 1 and 2 a ceiling is known to .02-.04 at best",
    "known": "beyond 2 a ceiling is known as well as its interval says",
}


def compute_of(runs: Runs, over: str | None = None) -> str:
    """Return the quantity that rewards are held against: `over`, or the first there is.

    Raises UsageError for one that is no compute, BadRuns if the table holds none.
    """
    if over is not None:
        if over not in COMPUTE:
            raise UsageError(f"rewards are held against {', '.join(COMPUTE)}, not {over!r}")
        runs.require((over,))
        return over
    symbols = [s for s in COMPUTE if s in runs and np.isfinite(runs[s]).any()]
    if not symbols:
        raise BadRuns(
            f"{runs.origin} holds no compute: a column {', '.join(COMPUTE[:-1])} or {COMPUTE[-1]}"
        )
    return symbols[0]


def evaluations(runs: Runs, over: str, span: tuple[float, float] = (0.0, 1.0)) -> Runs:
    """Return the rows that hold a reward, as a share of `span`, the range that it may have.

    Rows without one, such as training steps between evaluations, are left out with a note.
    Raises BadRuns for rewards outside of the range, compute that goes backwards or stands still
    within a run, and a table without any evaluation.
    """
    low, high = span
    if not low < high:
        raise UsageError(f"the range of rewards is {low:g} to {high:g}; it must rise")
    if "R" not in runs or not np.isfinite(runs["R"]).any():
        raise BadRuns(
            f"{runs.origin} holds no evaluation: its {len(runs):,} rows have no reward R; log an "
            "evaluation on held-out problems, or name the column with --columns R=NAME"
        )
    has = np.isfinite(runs["R"])
    subset = runs.keep(has, "holds no evaluation")
    subset.require((over,))
    rewards = [s for s in ("R", "start") if s in subset]
    for symbol in rewards:
        _refuse_outside(subset, symbol, low, high)
    _refuse_backwards(subset, over)
    columns = dict(subset.columns)
    for symbol in rewards:
        columns[symbol] = (columns[symbol] - low) / (high - low)
    if "sigma" in columns:
        columns["sigma"] = columns["sigma"] / (high - low)
    notes = list(subset.notes)
    if not has.all():
        notes.append(
            Note(
                "info",
                "left-out",
                f"{(~has).sum():,} of {has.size:,} rows hold no evaluation and are left out",
            )
        )
    if span != (0.0, 1.0):
        notes.append(
            Note(
                "info", "range", f"rewards are shown as shares of their range, {low:g} to {high:g}"
            )
        )
    return replace(subset, columns=columns, notes=tuple(notes))


def recipes(runs: Runs) -> dict[str, Runs]:
    """Return the runs of each recipe: by the label family, or all as one."""
    if "family" not in runs.labels:
        return {"all runs": runs}
    names = list(dict.fromkeys(runs.groups("family").tolist()))
    return {name: runs.select(runs.labels["family"] == name) for name in names}


def start_of(runs: Runs, stated: float | None = None) -> float | None:
    """Return R_0: as given, or the mean of the column `start`; None if it must be fitted."""
    if stated is not None:
        return stated
    if "start" not in runs or not np.isfinite(runs["start"]).any():
        return None
    return float(np.nanmean(runs["start"]))


def reward_curve(
    runs: Runs,
    over: str,
    *,
    recipe: str = "all runs",
    start: float | None = None,
    after: float = 0.0,
    fix: Mapping[str, float] | None = None,
    draws: int = 400,
    level: float = 0.9,
    seed: int = 0,
) -> RewardCurve:
    """Return the sigmoid through evaluations (as `evaluations` gives them) of one recipe.

    R_0 is `start` if given, else fitted. Evaluations before `after` [unit of `over`] are left out,
    as ScaleRL does with the first epoch. Residuals are linear, and squares of them least.

    Raises CannotFit for too few evaluations, or a reward that never changes.
    """
    refuse_draws(draws, level)
    train = _seen(runs, over, after, recipe)
    pins = {**({} if start is None else {"R_0": start}), **(fix or {})}
    result = _fit(train, over, pins, draws, level, seed)
    identified = identify(result, level=level)
    intervals = {p.name: p.interval for p in identified.profiles}
    still = tuple(p.name for p in identified.profiles if any(p.is_open))
    names = np.unique(train.labels["run"]) if "run" in train.labels else np.zeros(0, str)
    by_run = {}
    for name in names if names.size > 1 else ():
        one = train.select(train.labels["run"] == name)
        if len(one) >= FEWEST and np.ptp(one["R"]) > 0:
            by_run[str(name)] = _fit(one, over, pins, 0, level, seed).law
    return RewardCurve(
        recipe=recipe,
        over=over,
        fit=result,
        intervals=intervals,
        open=still,
        by_run=by_run,
        after=after,
    )


def by_window(
    runs: Runs, over: str, start: float | None, after: float = 0.0
) -> tuple[tuple[float, Law], ...]:
    """Return the law fitted without what comes before each of several computes, lowest first."""
    furthest = float(runs[over].max())
    cuts = sorted({*(share * furthest for share in WINDOWS), after})
    pins = {} if start is None else {"R_0": start}
    out = []
    for cut in cuts:
        train = runs.select(runs[over] >= cut)
        if len(np.unique(train[over])) >= FEWEST and np.ptp(train["R"]) > 0:
            out.append((cut, _fit(train, over, pins, 0, 0.9, 0).law))
    return tuple(out)


def choose(
    runs: Runs,
    over: str,
    *,
    start: float | None = None,
    after: float = 0.0,
    level: float = 0.9,
    draws: int = 50,
    cuts: int = 6,
    seed: int = 0,
) -> Comparison:
    """Return four forms of reward curve, ranked by their error on later compute held out.

    The sigmoid, the saturating power law, the plain power law and the line in log compute.
    Evaluations of reward 0 are left out: errors are counted in logs.
    Raises CannotFit if there is too little to hold out.
    """
    pins = {} if start is None else {"R_0": start}
    candidates = (
        Candidate(LAW, pins, "squared", over),
        Candidate("saturating-power", {}, "squared", over),
        Candidate("power", {"E": 0.0}, "squared", over, "R"),
        Candidate("log-linear", {}, "squared", over),
    )
    train = runs.select((runs[over] >= after) & (runs["R"] > 0))
    return compare(candidates, train, axis=over, cuts=cuts, draws=draws, level=level, seed=seed)


def _fit(
    runs: Runs, over: str, pins: Mapping[str, float], draws: int, level: float, seed: int
) -> Fit[Any]:
    result = fit(
        form(LAW),
        runs,
        over=over,
        fix=pins,
        objective="squared",
        draws=draws,
        level=level,
        seed=seed,
    )
    return result


def _seen(runs: Runs, over: str, after: float, recipe: str) -> Runs:
    train = runs.select(runs[over] >= after)
    count = len(np.unique(train[over]))
    unit = quantity(over).unit
    if count < FEWEST:
        since = f" from {show(after)} {unit} on" if after else ""
        raise CannotFit(
            f"{recipe} has {count} evaluations{since}; at least {FEWEST} are needed to see a curve"
        )
    if np.ptp(train["R"]) == 0:
        raise CannotFit(
            f"{recipe}: the reward is {train['R'][0]:g} in all {len(train)} evaluations; a curve "
            "that never moves says nothing: check the verifier and the share of groups without "
            "any variance"
        )
    return train


def _refuse_outside(runs: Runs, symbol: str, low: float, high: float) -> None:
    outside = (runs[symbol] < low) | (runs[symbol] > high)
    if outside.any():
        ends = dict.fromkeys(f"{f(runs[symbol][outside]):g}" for f in (np.min, np.max))
        raise BadRuns(
            f"{runs.origin}: rewards lie between {low:g} and {high:g}, and {symbol} is "
            f"{' to '.join(ends)} in {name_rows(runs.rows[outside])}; state their range with "
            "--range LOW,HIGH"
        )


def _refuse_backwards(runs: Runs, over: str) -> None:
    names = runs.labels.get("run", np.zeros(len(runs), str))
    for name in np.unique(names):
        inside = np.flatnonzero(names == name)
        wrong = inside[1:][np.diff(runs[over][inside]) <= 0]
        if wrong.size:
            which = f"run {name}: " if name else ""
            what = "goes backwards" if (np.diff(runs[over][inside]) < 0).any() else "stands still"
            raise BadRuns(
                f"{runs.origin}: {which}{over} {what} at {name_rows(runs.rows[wrong])}; if the run "
                "was restarted, 'isoflop import --as rl' joins its parts, and if the rows are of "
                "several runs, label them in a column run"
            )
