"""What each refit sees of the runs: rows of weights, and rows of outputs with their signs drawn.

Runs that share their luck (points of one run, runs of one size) must be drawn together, and a
budget that holds few runs must not be lost: otherwise an interval is too narrow, or too wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.runs import Runs

Labels = npt.NDArray[np.generic]
Kind = Literal["pairs", "wild", "jackknife"]

BLOCK = 200  # draws made together: the first so many are the same, however many are asked for
SAME = 1.1  # runs of one budget scatter by a training step or so
WIDEST = 1.5  # runs that follow each other this far make no level, but a continuum
PER_DECADE = 4  # stretches into which a continuum is cut
LEVELLED = ("C", "N", "D")  # quantities whose values are told apart by level, not by digit


def pairs(rng: np.random.Generator, n: int, draws: int) -> Numbers:
    """Return (draws, n) counts: n runs drawn with replacement."""
    return rng.multinomial(n, np.full(n, 1 / n), draws).astype(float)


def stratified(rng: np.random.Generator, strata: Labels, draws: int) -> Numbers:
    """Return (draws, n) counts drawn within each stratum, such as a budget, so none is lost."""
    counts = np.zeros((draws, len(strata)))
    for first in range(0, draws, BLOCK):
        block = counts[first : first + BLOCK]
        for stratum in np.unique(strata):
            inside = np.flatnonzero(strata == stratum)
            block[:, inside] = pairs(rng, inside.size, len(block))
    return counts


def clustered(rng: np.random.Generator, clusters: Labels, draws: int) -> Numbers:
    """Return (draws, n) counts of whole clusters: points of one run share its luck."""
    names, member = np.unique(clusters, return_inverse=True)
    return pairs(rng, names.size, draws)[:, member]


def jackknife(clusters: Labels) -> Numbers:
    """Return (g, n) weights; row i leaves the i-th cluster out. One run each is a cluster too."""
    names = np.unique(clusters)
    return np.asarray((clusters != names[:, None]) * 1.0)


def signs(rng: np.random.Generator, clusters: Labels, draws: int) -> Numbers:
    """Return (draws, n) signs, the same for all runs of a cluster, each as likely.

    Plus and minus one keep the size of every residual, so noise may differ from run to run; they
    are right for least squares and for least absolute deviations alike.
    Source: Feng, He and Hu 2011, Biometrika 98(4), for the latter.
    """
    names, member = np.unique(clusters, return_inverse=True)
    return rng.choice([-1.0, 1.0], (draws, names.size))[:, member]


def levels(values: Numbers) -> npt.NDArray[np.int64]:
    """Return to which level (n,), such as a budget, each value belongs, numbered from the least.

    Values within a tenth of each other share a level. Where that would chain a continuum
    together, as in runs read off a figure, it is cut into quarters of a decade instead.
    """
    ladder, rung = np.unique(values, return_inverse=True)
    level = np.concatenate([[0], np.cumsum(np.diff(np.log(ladder)) > np.log(SAME))])
    widths = [np.ptp(np.log(ladder[level == k])) for k in np.unique(level)]
    if max(widths) > np.log(WIDEST):
        quarter = np.floor(PER_DECADE * np.log10(ladder / ladder[0]) + 1e-9)
        level = np.unique(quarter, return_inverse=True)[1]
    return np.asarray(level[rung], dtype=np.int64)


def groups(runs: Runs, name: str) -> Labels:
    """Return what tells groups apart (n,): a label, or a column; C, N and D go by level.

    Raises BadRuns for a name that is no column or label, or where it is missing.
    """
    labels: Labels = runs.groups(name)
    if name not in LEVELLED:
        return labels
    runs.require((name,))
    return levels(runs[name])


@dataclass(frozen=True, slots=True)
class Resampling:
    """How draws are made: their kind, and the columns or labels that tell groups apart.

    "pairs" draws runs, within each value of `stratify` or whole values of `cluster`; "wild" keeps
    the runs and draws the signs of what the fit leaves over; "jackknife" leaves one run, or one
    cluster, out at a time.
    """

    kind: Kind = "pairs"
    stratify: str | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        """Refuse a request that contradicts itself."""
        if self.kind not in ("pairs", "wild", "jackknife"):
            raise UsageError(f"resample is {self.kind!r}; it must be pairs, wild or jackknife")
        if self.stratify and self.cluster:
            raise UsageError("give stratify or cluster, not both")
        if self.stratify and self.kind != "pairs":
            raise UsageError(f"stratify is for pairs: {self.kind} draws keep every stratum anyway")

    def __str__(self) -> str:
        how = f"stratified by {self.stratify}" if self.stratify else ""
        how = f"clusters of {self.cluster}" if self.cluster else how
        return ", ".join(filter(None, ("" if how and self.kind == "pairs" else self.kind, how)))

    @staticmethod
    def read(text: str) -> Resampling:
        """Return what `str` wrote."""
        kind, _, how = text.rpartition(", ") if ", " in text else ("", "", text)
        if how in ("pairs", "wild", "jackknife"):
            return Resampling(how)  # type: ignore[arg-type]
        word, _, name = how.rpartition(" ")
        named = {"stratified by": "stratify", "clusters of": "cluster"}[word]
        return Resampling(kind or "pairs", **{named: name})  # type: ignore[arg-type]

    def clusters(self, runs: Runs) -> Labels:
        """Return which runs (n,) share their luck: those of one cluster, else each alone.

        Raises UsageError if all runs are one cluster.
        """
        if self.cluster is None:
            return np.argsort(_order(runs))
        labels = groups(runs, self.cluster)
        if np.unique(labels).size == 1:
            raise UsageError(
                f"all runs have one {self.cluster}, so draws of whole clusters change nothing"
            )
        return labels

    def weights(self, rng: np.random.Generator, runs: Runs, draws: int) -> Numbers:
        """Return the weights of refits (s, n): counts of pairs, or those of a jackknife.

        Raises UsageError if no draw would differ from another.
        """
        if self.kind == "jackknife":
            return jackknife(self.clusters(runs))
        if self.stratify is None:
            return clustered(rng, self.clusters(runs), draws)
        strata = groups(runs, self.stratify)
        if np.unique(strata).size == strata.size:
            raise UsageError(
                f"every run has its own {self.stratify}, so a draw within it changes nothing; "
                "stratify by what several runs share"
            )
        order = _order(runs)
        counts = np.empty((draws, len(runs)))
        counts[:, order] = stratified(rng, strata[order], draws)
        return counts


def _order(runs: Runs) -> npt.NDArray[np.intp]:
    """Return the rows in an order that their content sets, so that draws do not hang on theirs."""
    return np.lexsort([runs[symbol] for symbol in sorted(runs.columns)])
