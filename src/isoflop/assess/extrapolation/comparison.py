"""Rank laws by how far they miss larger runs, say where the difference is noise, and pool them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Mask, Numbers
from isoflop.assess.audit.consistency import doubts
from isoflop.assess.extrapolation.backtest import (
    Backtest,
    Candidate,
    HeldOutErrors,
    Watch,
    backtest,
)
from isoflop.assess.extrapolation.calibration import ForecastErrors, growth, said
from isoflop.assess.extrapolation.candidates import OBJECTIVES, candidates
from isoflop.assess.extrapolation.learnt import LEARNT, PoolConstants
from isoflop.errors import Note, UsageError, brief
from isoflop.fitting.resample import clustered
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed
from isoflop.runs import Runs, Tabular, as_runs

RESAMPLES = 2000
NOISE = 0.05  # share of resamples that must disagree for a difference to be called noise
SAME = 1e-6  # errors of logs that are this close are even


@dataclass(frozen=True)
class CandidateScore(Displayed):
    """How a candidate did: errors are of logs, so 0.01 is one per cent.

    `better` is the share of resamples in which it beats the first; `tied` says that this is too
    many to call the difference real. `weight` is its share of the pool.
    """

    candidate: Candidate
    rms: float
    error: float
    bias: float
    growth: float
    better: float
    tied: bool
    weight: float


@dataclass(frozen=True)
class Recipe:
    """What was compared and how, so that it can be done again with more runs."""

    candidates: tuple[Candidate, ...]
    axes: tuple[str, ...] = ("C",)
    cuts: int | tuple[float, ...] = 6


@dataclass(frozen=True, eq=False)
class Comparison(Displayed):
    """Candidates ranked by extrapolation error, best first; `growth` is that of the pool."""

    test: Backtest
    standings: tuple[CandidateScore, ...]
    growth: float
    doubts: tuple[Note, ...]
    recipe: Recipe

    def _facts(self) -> Iterator[str]:
        yield f"best {self.best.name}"
        yield "its lead is real" if self.decisive else "its lead may be noise"
        for score in self.standings:
            yield f"{score.candidate.name}: error {score.error:.2%}, weight {score.weight:.0%}"

    @property
    def best(self) -> Candidate:
        """The candidate of the least mean error."""
        return self.standings[0].candidate

    @property
    def decisive(self) -> bool:
        """Whether no candidate of another law is tied with the best."""
        rivals = [s for s in self.standings[1:] if s.candidate.law != self.best.law]
        return not any(s.tied for s in rivals)

    @property
    def pooled(self) -> tuple[HeldOutErrors, ...]:
        """What the pool would have said, split by split, as a candidate of its own."""
        return tuple(_pooled(at, self.standings) for at in _by_split(self.test))


def compare(
    laws: Sequence[str | Candidate] | Tabular | None,
    runs: Tabular | Sequence[str | Candidate] | None = None,
    *,
    objectives: Sequence[str] = OBJECTIVES,
    axis: str | Sequence[str] | None = None,
    cuts: Sequence[float] | int = 6,
    draws: int = 0,
    level: float = 0.9,
    seed: int = 0,
    watch: Watch | None = None,
) -> Comparison:
    """Return laws, each with each objective, ranked by their error on larger runs held out.

    `laws` are keys, or candidates; without any, as in `compare(runs)`, those that the inputs of
    the table call for. `axis` is compute, or the one size that there is, unless it is given. A
    candidate that cannot be tested is a row of `test.refused`. Differences are held against
    resamples of splits and of runs. The weights of the pool start with a trust in the usual forms,
    which one that is beaten beyond noise loses, and move with the backtest by one power of the
    error for so many runs held out, at most one for every split, as `learnt` says. `watch` is that
    of `backtest`.

    Raises CannotFit if no candidate can be tested or the loss rises with scale.
    """
    refuse_draws(draws, level)
    laws, runs = _in_place(laws, runs)
    data_doubts = doubts(runs)
    selection = candidates(runs, laws, objectives)
    test = backtest(
        selection,
        runs,
        axis=axis,
        cuts=cuts,
        draws=draws,
        level=level,
        seed=seed,
        watch=watch,
    )
    recipe = Recipe(selection, test.axes, cuts if isinstance(cuts, int) else tuple(cuts))
    return rank(test, data_doubts, recipe, seed)


def rank(
    test: Backtest,
    doubts: tuple[Note, ...],
    recipe: Recipe,
    seed: int = 0,
    constants: PoolConstants = LEARNT,
) -> Comparison:
    """Return the candidates of a backtest, ranked and weighed as `constants` say."""
    standings = _standings(test, seed, constants)
    k = growth([_said(at, standings, constants) for at in _by_split(test)], constants)
    return Comparison(test, standings, k, doubts, recipe)


def _in_place(
    laws: Sequence[str | Candidate] | Tabular | None,
    runs: Tabular | Sequence[str | Candidate] | None,
) -> tuple[Sequence[str | Candidate] | None, Runs]:
    """Return laws and runs, in whichever order they were given.

    Raises UsageError where one of them is missing or is neither.
    """
    if runs is None or isinstance(laws, Runs):
        laws, runs = runs, laws
    if isinstance(laws, str | Candidate):
        laws = [laws]
    if runs is None or isinstance(runs, str | list | tuple):
        raise UsageError(
            f"runs are {brief(runs)}; compare takes runs, as iso.read gives them, and laws"
        )
    if laws is not None and not isinstance(laws, list | tuple):
        raise UsageError(f"laws are {brief(laws)}; give keys such as ['chinchilla', 'farseer']")
    return laws, as_runs(runs)


def prior(
    selection: Sequence[Candidate], tied: Mask | None = None, constants: PoolConstants = LEARNT
) -> Numbers:
    """Return the shares of candidates before a backtest has spoken, summing to 1.

    Laws that are trusted have their shares however many others there are, and a law's objectives
    share its own; one that is not `tied` with the best has no more than it would alike.
    """
    laws = [c.law for c in selection]
    free = 1 - sum(constants.trust.get(law, 0.0) for law in set(laws))
    others = sum(law not in constants.trust for law in laws)
    shares = np.array(
        [
            constants.trust[law] / laws.count(law) if law in constants.trust else free / others
            for law in laws
        ]
    )
    alike = 1 / len(laws)
    if tied is not None:
        shares = np.where(tied, shares, np.minimum(shares, alike))
    return np.asarray(shares / shares.sum())


def _standings(test: Backtest, seed: int, constants: PoolConstants) -> tuple[CandidateScore, ...]:
    ranked = sorted(test.candidates, key=lambda c: _mean_error(test.of(c)))
    first, rng = test.of(ranked[0]), np.random.default_rng(seed)
    better = [0.5, *(_beats(test.of(c), first, test.member, rng) for c in ranked[1:])]
    tied = np.array(better) > NOISE
    weights = _weights(test, ranked, tied, constants)
    return tuple(
        CandidateScore(
            candidate=c,
            rms=test.rms(c),
            error=_mean_error(test.of(c)),
            bias=test.bias(c),
            growth=growth([said(h) for h in test.of(c)]),
            better=better[i],
            tied=bool(tied[i]),
            weight=float(weights[i]),
        )
        for i, c in enumerate(ranked)
    )


def _mean_error(errors: Sequence[HeldOutErrors]) -> float:
    """Return the mean over splits of the mean size of the log errors."""
    return float(np.mean([np.abs(h.error).mean() for h in errors]))


def _weights(
    test: Backtest,
    ranked: Sequence[Candidate],
    tied: npt.NDArray[np.bool_],
    constants: PoolConstants,
) -> Numbers:
    """Return each candidate's share of the pool, summing to 1.

    Errors within the noise of the runs tell no forms apart. The usual forms are trusted at first,
    unless they are not tied with the best: what their rival does better is then more than luck.
    """
    noise = min(_noise(test.of(c)) for c in ranked)
    error = np.hypot([_mean_error(test.of(c)) for c in ranked], max(noise, 1e-12))
    rows = np.concatenate([h.run for h in test.of(ranked[0])])
    count = np.unique(test.member[rows]).size
    power = min(count / constants.alike, len(test.of(ranked[0])))
    weight = prior(ranked, tied, constants) * (error / error.min()) ** -power
    return np.asarray(weight / weight.sum())


def _noise(errors: Sequence[HeldOutErrors]) -> float:
    """Return the spread of the residuals of the runs that were seen."""
    return float(np.sqrt(np.mean([(h.residuals**2).mean() for h in errors])))


def _beats(
    mine: Sequence[HeldOutErrors],
    first: Sequence[HeldOutErrors],
    member: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> float:
    """Return in what share of resamples a candidate has less error than the first; even is half.

    Splits and runs are both resampled: a run is held out by several splits, and all runs of a
    split share one fit. `member` (n,) is the run that each row of the table belongs to.
    """
    runs = np.unique(np.concatenate([h.run for h in mine]))
    difference = np.zeros((len(mine), runs.size))
    for row, h, f in zip(difference, mine, first, strict=True):
        gap = np.abs(h.error) - np.abs(f.error)
        row[np.searchsorted(runs, h.run)] = gap / gap.size
    by_split = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), RESAMPLES)
    by_run = clustered(rng, member[runs], RESAMPLES)
    lead = np.einsum("bs,sn,bn->b", by_split, difference, by_run, optimize=True) / len(mine)
    return float((lead < -SAME).mean() + (np.abs(lead) <= SAME).mean() / 2)


def _by_split(test: Backtest) -> list[tuple[HeldOutErrors, ...]]:
    """Return what all candidates said of each split, in the order of the standings' candidates."""
    whole = [test.of(c) for c in test.candidates]
    return list(zip(*whole, strict=True))


def _shares(at: Sequence[HeldOutErrors], standings: Sequence[CandidateScore]) -> Numbers:
    return np.array([next(s.weight for s in standings if s.candidate == h.candidate) for h in at])


def _pooled(at: Sequence[HeldOutErrors], standings: Sequence[CandidateScore]) -> HeldOutErrors:
    share, first = _shares(at, standings), at[0]
    return HeldOutErrors(
        candidate=Candidate("pool"),
        split=first.split,
        run=first.run,
        ratio=first.ratio,
        error=np.asarray(share @ np.array([h.error for h in at])),
        residuals=np.asarray(share @ np.array([h.residuals for h in at])),
        draws=None,
    )


def _said(
    at: Sequence[HeldOutErrors], standings: Sequence[CandidateScore], constants: PoolConstants
) -> ForecastErrors:
    """Return the pool's errors on a split, its noise, and the disagreement of its members."""
    share = _shares(at, standings)
    errors = np.array([h.error for h in at])
    mean = share @ errors
    apart = share @ (errors - mean) ** 2
    other = share @ np.array([said(h).other for h in at])
    return ForecastErrors(mean, np.log(at[0].ratio), constants.disagreement * apart + other)
