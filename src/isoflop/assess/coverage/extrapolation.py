"""Ways to forecast coverage beyond the samples at hand, and which of them to believe here.

No way is best everywhere: each is fitted to fewer samples than there are and held against what
all of them show, and a forecast carries the error that its way made. A forecast is of the coverage
of the problems at hand, if each were tried more often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, Note, RefusedByData, UnknownName, UsageError, amount
from isoflop.fitting import fit
from isoflop.fitting.counts import fit_counts
from isoflop.fitting.refit_curves import refit_to
from isoflop.options import IntervalOptions
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.samples.coverage import coverage, k_grid
from isoflop.samples.curves import problem_weights
from isoflop.samples.sample_table import Counts

POINTS = 25  # of a curve that a law is fitted to
LEAST = 8  # samples per problem that a forecast needs at least
MOST_DRAWS = 2000  # each is a fit of its own: ten times the usual
REPEATS = 4  # thinnings of the bank in a backtest
THIN = (0.1, 0.3)  # shares of the samples that a backtest sees
SMALL = 1e-9

# What a law misses of the change of log(-log coverage) beyond its samples, as a share of it, before
# a backtest has spoken; it weighs as much as the backtest, which sees no tail that the samples
# do not show. Set on eleven sorts of simulated problems; held out: docs/testtime.md.
USUAL_MISS = 0.5
LEAST_CHANGE = 0.2  # of log(-log coverage), below which a backtest tells nothing of shares
FUTURES = 4000  # simulated, of what more samples would show


@dataclass(frozen=True)
class CoverageMethod:
    """A law, and how it is fitted: to the curve, or to the counts of problems.

    `last` keeps the last decades of k of a curve, None all of it.
    """

    name: str
    law: str
    to: Literal["curve", "counts"]
    predicts: str = "coverage"
    fix: Mapping[str, float] = field(default_factory=dict)
    last: float | None = None


WAYS = (
    CoverageMethod("log-log", "power", "curve", "nlc", {"E": 0.0}),
    CoverageMethod("log-log, last decades", "power", "curve", "nlc", {"E": 0.0}, last=1.3),
    CoverageMethod("exp of power", "coverage-power", "curve"),
    CoverageMethod("beta-binomial", "beta-binomial", "counts", fix={"unsolvable": 0.0}),
    CoverageMethod("beta-binomial, some unsolvable", "beta-binomial", "counts"),
    CoverageMethod("scaled beta", "scaled-beta", "counts"),
)


@dataclass(frozen=True, eq=False)
class CoverageFit(Displayed):
    """A law of coverage over k, fitted one way to `samples` samples a problem.

    `draws` are refits to problems drawn with replacement. `error` is what the backtest found: the
    rms error of log(-log coverage) as a share of its change beyond the samples; None without one.
    Of `problems`, as many as `unsolved` are not solved by `samples`.
    """

    way: CoverageMethod
    law: Any
    draws: Any
    samples: int
    level: float
    problems: int
    unsolved: int
    notes: tuple[Note, ...] = ()
    error: float | None = None

    def predict(self, k: Any) -> Numbers:
        """Return the coverage of k samples."""
        return _as_coverage(self.way, self.law(np.asarray(k, float)))

    def interval(self, k: Any) -> tuple[Numbers, Numbers]:
        """Return the ends (g,) of the interval of coverage at k (g,).

        Beyond the samples it is of the same problems: those that are solved stay solved, and each
        of the others may fall or not, by chances that are as uncertain as the law. Within the
        samples it is of problems drawn anew.
        """
        k = np.atleast_1d(np.asarray(k, float))
        at = np.append(k, [self.samples, max(self.samples / 10, 1.0)])
        draws = self.predict(at)[None]
        value = draws[0, :-2]
        if self.draws is not None:
            draws = np.concatenate([draws, _as_coverage(self.way, self.draws(at))])
            draws = draws[np.isfinite(draws).all(1)]
        within = np.quantile(draws[:, :-2], self._tails, axis=0)
        low, high = np.where(k < self.samples, within, self._beyond(np.log(at), log_nlc(draws)))
        return np.minimum(low, value), np.maximum(high, value)

    @property
    def _tails(self) -> tuple[float, float]:
        return (1 - self.level) / 2, (1 + self.level) / 2

    def _beyond(self, log_k: Numbers, draws: Numbers) -> Numbers:
        """Return the interval (2, g) of simulated futures.

        `draws` (s, g + 2) is log(-log coverage) of the fit and its refits: at k, at the samples,
        and a decade before. A law errs on it in proportion to how far it is to change, or would if
        it went on as over that decade: a law that levels off may be wrong in that. Of the problems
        that are left a whole number is solved, which matters most near coverage 1.
        """
        rng = np.random.default_rng(0)
        error = USUAL_MISS if self.error is None else self.error
        share = np.sqrt((USUAL_MISS**2 + error**2) / 2)
        (*_, now, before), decade = draws[0], log_k[-2] - log_k[-1]
        straight = (log_k[:-2] - log_k[-2]) * (now - before) / decade
        missed = share * np.maximum(np.abs(draws[0, :-2] - now), np.abs(straight))
        u = draws[rng.integers(0, len(draws), FUTURES)]
        future = _missing(u[:, :-2] + missed * rng.standard_normal((FUTURES, 1)))
        stays = np.clip(future / np.maximum(_missing(u[:, -2:-1]), SMALL), 0, 1)
        return np.asarray(
            np.quantile(1 - rng.binomial(self.unsolved, stays) / self.problems, self._tails, axis=0)
        )


def way(name: str) -> CoverageMethod:
    """Return the way called `name`.

    Raises UnknownName, which names the nearest one.
    """
    methods = {w.name: w for w in WAYS}
    if name not in methods:
        raise UnknownName("way to fit coverage", name, methods)
    return methods[name]


def fit_coverage(
    counts: Counts, how: CoverageMethod, *, draws: int = 200, level: float = 0.9, seed: int = 0
) -> CoverageFit:
    """Return a law of coverage fitted one way; see `WAYS`.

    Raises RefusedByData for counts that say nothing of it.
    """
    refuse_draws(draws, level, most=MOST_DRAWS)
    refuse_few(counts)
    if how.to == "counts":
        interval = IntervalOptions(draws=draws, level=level, seed=seed)
        likelihood = fit_counts(
            how.law, counts.solved, counts.attempts, fix=how.fix, interval=interval
        )
        notes = tuple(
            Note("doubt", "bound", f"{name} ended at a bound: it is not known", symbol=name)
            for name in likelihood.touched
        )
        return CoverageFit(how, likelihood.law, likelihood.draws, *_about(counts, level), notes)
    k = points(counts.reach)
    each = coverage(counts, k)
    mean = each.mean(0)
    use = (mean > 0) & (mean < 1)
    if how.last is not None:
        use &= k >= counts.reach / 10**how.last
    if use.sum() < 3:
        raise CannotFit(
            f"the curve has {int(use.sum())} points above 0 and below 1; a law needs three: take "
            "harder problems, or more samples"
        )
    k, each, mean = k[use], each[:, use], mean[use]
    runs = Runs({"k": k, how.predicts: -np.log(mean) if how.predicts == "nlc" else mean})
    open_law = {"over": "k", "predicts": "nlc"} if how.predicts == "nlc" else {}
    made_curve = fit(how.law, runs, fix=how.fix, objective="squared", draws=0, **open_law)
    ensemble = None
    if draws and len(each) > 1:
        resamples = np.concatenate([w @ each for w in problem_weights(len(each), draws, seed)])
        resamples = np.clip(resamples, mean[0] * 1e-3, 1 - 0.5 / len(each) * (1 - mean[-1]))
        ensemble = refit_to(made_curve, -np.log(resamples) if how.predicts == "nlc" else resamples)
    return CoverageFit(how, made_curve.law, ensemble, *_about(counts, level))


def _about(counts: Counts, level: float) -> tuple[int, float, int, int]:
    """Return samples, level, problems, and how many problems that many samples do not solve."""
    missing = 1 - coverage(counts, counts.reach)
    return counts.reach, level, missing.size, round(float(missing.sum()))


@dataclass(frozen=True)
class MethodError:
    """How one way forecast the coverage at `to` from `n` samples: errors of all thinnings.

    `rms` and `bias` are of the coverage itself, `error` is rms of log(-log coverage) as a share of
    its change from n to `to`.
    """

    way: CoverageMethod
    n: int
    to: int
    rms: float
    bias: float
    error: float


@dataclass(frozen=True)
class BakeOff(Displayed):
    """Every way in every test, and the ways in order of their error, the best first."""

    results: tuple[MethodError, ...]
    order: tuple[CoverageMethod, ...]
    refused: Mapping[str, str]
    truth: Mapping[int, float]

    def of(self, how: CoverageMethod) -> tuple[MethodError, ...]:
        """Return the tests of one way."""
        return tuple(h for h in self.results if h.way == how)

    def error(self, how: CoverageMethod) -> float:
        """Return the rms error of one way over all tests."""
        return float(np.sqrt(np.mean([h.rms**2 for h in self.of(how)])))


def bake_off(
    counts: Counts,
    *,
    chosen_sizes: Sequence[int] | None = None,
    to: int | None = None,
    ways: Sequence[CoverageMethod] = WAYS,
    repeats: int = REPEATS,
    seed: int = 0,
) -> BakeOff:
    """Return how well each way forecasts coverage at `to` from fewer samples a problem.

    Problems keep `chosen_sizes` of their samples, drawn without replacement, `repeats` times; what
    they show of all samples is the truth. By default a tenth and three tenths are seen.
    Raises UsageError where more are to be seen than there are, RefusedByData for too few.
    """
    end = counts.reach if to is None else to
    sizes = (
        [max(LEAST, round(counts.reach * f)) for f in THIN]
        if chosen_sizes is None
        else list(chosen_sizes)
    )
    sizes = sorted({n for n in sizes if chosen_sizes is not None or n < end})
    if not sizes or min(sizes) < LEAST:
        raise RefusedByData(
            f"a backtest hides samples and forecasts them: it needs {LEAST} seen and more hidden, "
            f"and there are {counts.reach} a problem"
        )
    if max(sizes) >= end or end > counts.reach:
        raise UsageError(
            f"cannot forecast k = {end} from {max(sizes)} of {counts.reach} samples: the truth "
            "must lie beyond what is seen and within the bank"
        )
    truth = coverage(counts, [*sizes, end]).mean(0)
    method_errors: list[MethodError] = []
    refused: dict[str, str] = {}
    for how in ways:
        try:
            method_errors += [
                _tested(counts, how, (n, end), truth[[i, -1]], repeats, seed)
                for i, n in enumerate(sizes)
            ]
        except RefusedByData as reason:
            refused[how.name] = str(reason)
    able = [w for w in ways if w.name not in refused]
    method_errors = [h for h in method_errors if h.way in able]
    if not able:
        raise RefusedByData("; ".join(by_reason(refused)))
    backtest = BakeOff(tuple(method_errors), tuple(able), refused, {end: float(truth[-1])})
    return BakeOff(
        backtest.results, tuple(sorted(able, key=backtest.error)), refused, backtest.truth
    )


def by_reason(refused: Mapping[str, str]) -> list[str]:
    """Return why ways were refused: each reason once, after the names of the ways."""
    names: dict[str, list[str]] = {}
    for name, why in refused.items():
        names.setdefault(why, []).append(repr(name))
    return [f"{', '.join(ways)}: {why}" for why, ways in names.items()]


def _tested(
    counts: Counts,
    how: CoverageMethod,
    over: tuple[int, int],
    truth: Numbers,
    repeats: int,
    seed: int,
) -> MethodError:
    """Return how a way forecasts from the first to the second of k, where coverage is `truth`."""
    (n, end), errors = over, []
    for i in range(repeats):
        part = counts.thinned(n, np.random.default_rng(seed + i))
        errors.append(float(fit_coverage(part, how, draws=0, seed=seed).predict(end)))
    values = np.array(errors)
    # Coverages that are less than half a problem from 1 cannot be told from it, nor from 0.
    half = 0.5 / len(counts.problems)
    levels = log_nlc(np.clip(np.append(values, truth), half, 1 - half))
    u, (first, last) = levels[:repeats], levels[repeats:]
    off, change = values - truth[-1], max(abs(float(last - first)), LEAST_CHANGE)
    return MethodError(
        how,
        n,
        end,
        float(np.sqrt(np.mean(off**2))),
        float(off.mean()),
        float(np.sqrt(np.mean((u - last) ** 2))) / change,
    )


def refuse_few(counts: Counts) -> None:
    """Raise RefusedByData for too few samples, CannotFit where none is right."""
    if counts.reach < LEAST:
        raise RefusedByData(
            f"{amount(counts.reach, 'sample', 'samples')} a problem; a law of coverage needs "
            f"{LEAST} at least"
        )
    if not counts.solved.any():
        raise CannotFit(f"none of {counts.attempts.sum():,} samples is right: there is no curve")


def points(reach: int) -> Numbers:
    """Return the k, even in logs, that laws of a curve are fitted at."""
    return k_grid(reach, max(4, int(POINTS / max(np.log10(reach), 1.0)))).astype(float)


def _as_coverage(how: CoverageMethod, value: Any) -> Numbers:
    return np.asarray(np.exp(-value) if how.predicts == "nlc" else value)


def log_nlc(c: Numbers) -> Numbers:
    """Return log(-log coverage), on which forecasts err alike near 0 and near 1."""
    return np.asarray(np.log(-np.log(np.clip(c, SMALL, 1 - SMALL))))


def _missing(u: Numbers) -> Numbers:
    """Return 1 - coverage at u = log(-log coverage)."""
    return np.asarray(-np.expm1(-np.exp(u)))
