"""How hard a problem is: known from its right answers, or guessed from a few samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import RefusedByData, UsageError
from isoflop.options import Option
from isoflop.samples.sample_table import NO_ANSWER, Samples

How: TypeAlias = Literal["score", "agreement", "oracle"]

UNSOLVED = -np.inf  # the ease of a problem that no sample solved: a bin of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class DifficultyOptions:
    """How problems are sorted by difficulty.

    It comes from `estimate` samples of each problem; unless given from half of them by the
    oracle, else from a quarter, and 8 at most.
    """

    by: Annotated[
        How, Option("what difficulty is read from: a verifier, the votes, or right answers")
    ] = "score"
    bins: Annotated[int, Option("bins of difficulty", least=1, most=100)] = 5
    estimate: Annotated[int | None, Option("samples that difficulty is read from")] = None

    def samples(self, reach: int) -> int:
        """Return from how many of `reach` samples of a problem its difficulty is read."""
        if self.estimate is not None:
            return self.estimate
        return max(1, reach // 2) if self.by == "oracle" else max(1, min(8, reach // 4))


@dataclass(frozen=True, eq=False)
class Difficulty:
    """The ease (p,) of problems, its bins from hard to easy, and the cuts between them.

    `of` says what ease is: the pass rate (oracle), the mean score of a verifier, or the share of
    the most voted answer.
    """

    of: str
    ease: Numbers
    cuts: tuple[float, ...]

    @property
    def bin(self) -> npt.NDArray[np.int64]:
        """The bin of each problem (p,), 0 the hardest."""
        return np.searchsorted(np.array(self.cuts), self.ease, side="right")

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.cuts) + 1


def difficulty(
    samples: Samples, how: How, bins: int = 5, verifier: str | None = None
) -> Difficulty:
    """Return the difficulty of problems from some of their samples, in quantile bins.

    By the oracle, problems that no sample solved have a bin of their own, the hardest: among
    them quantiles would be chance. Bins that ties leave empty are dropped.
    Raises UsageError for a verifier that is not there, RefusedByData for fewer problems than bins.
    """
    if bins < 1:
        raise UsageError(f"{bins} bins; give one at least")
    if len(samples.problems) < 2 * bins:
        raise RefusedByData(f"{len(samples.problems)} problems are too few for {bins} bins")
    ease, of = _ease(samples, how, verifier)
    solved = ease[np.isfinite(ease)]
    share = np.arange(1, bins) / bins
    inner = np.quantile(solved, share, method="higher") if solved.size else np.zeros(0)
    cuts = np.unique(inner[inner > solved.min()]) if solved.size else inner
    if solved.size < ease.size:
        cuts = np.concatenate([[-1e300], cuts])
    return Difficulty(of, ease, tuple(float(c) for c in cuts))


def _ease(samples: Samples, how: How, verifier: str | None) -> tuple[Numbers, str]:
    size = np.diff(samples.starts)
    if how == "oracle":
        counts = samples.counts
        rate = counts.solved / counts.attempts
        return np.where(counts.solved > 0, rate, UNSOLVED), "pass rate"
    if how == "score":
        name = verifier or next(iter(samples.scores), None)
        if name is None or name not in samples.scores:
            raise UsageError(
                f"difficulty by score needs a verifier; there is {list(samples.scores)}"
            )
        part, _ = samples.scored(name)
        if len(part.problems) < len(samples.problems):
            raise UsageError(f"verifier {name} scored no sample of some problems")
        return np.add.reduceat(part.scores[name], part.starts[:-1]) / np.diff(part.starts), (
            f"mean score of {name}"
        )
    if samples.answer is None:
        raise UsageError("difficulty by agreement needs answers")
    return np.array([_most(samples.answer[samples.rows(i)]) for i in range(size.size)]), (
        "share of the most voted answer"
    )


def _most(codes: npt.NDArray[np.integer[Any]]) -> float:
    voted = codes[codes != NO_ANSWER]
    return float(np.unique(voted, return_counts=True)[1].max() / codes.size) if voted.size else 0.0
