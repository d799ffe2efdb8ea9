"""Samples in memory, sorted by problem, as estimators take them; and counts of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.errors import Note, RefusedByData, UsageError
from isoflop.report.display import Displayed

SCORE = "score:"  # how the column of a verifier begins
SPENT = (
    "tokens",
    "prompt_tokens",
    "flop",
    "prompt_flop",
    "verifier_flop",
    "verifier_prompt_flop",
    "seconds",
)
NO_ANSWER = -1


@dataclass(frozen=True, eq=False)
class Counts(Displayed):
    """How many of the samples `attempts` (p,) of each problem were right: `solved` (p,)."""

    problems: tuple[str, ...]
    solved: Integers
    attempts: Integers
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        if not len(self.problems):
            raise RefusedByData("there are no graded samples: no problem can be counted")
        wrong = np.flatnonzero(
            (self.solved < 0) | (self.solved > self.attempts) | (self.attempts < 1)
        )
        if wrong.size:
            i = int(wrong[0])
            raise UsageError(
                f"problem {self.problems[i]!r} has {self.solved[i]} solved of {self.attempts[i]} "
                "tried; no more are solved than tried, and one is tried at least"
            )

    @property
    def reach(self) -> int:
        """The most samples that every problem has: k goes no further."""
        return int(self.attempts.min())

    def thinned(self, n: int, rng: np.random.Generator) -> Counts:
        """Return the counts of `n` of the samples of each problem, drawn without replacement."""
        solved = rng.hypergeometric(self.solved, self.attempts - self.solved, n)
        return Counts(self.problems, solved, np.full(solved.size, n))


@dataclass(frozen=True, eq=False)
class Samples(Displayed):
    """Samples of one strategy and lineage; those of problem i are rows starts[i] to starts[i+1].

    `answer` (n,) holds codes of `answers`, or any numbers that are the same for the same answer,
    -1 where there is none; it is empty unless asked for.
    `cost` holds means per sample of each problem (p,), NaN where nobody wrote them down.
    """

    problems: tuple[str, ...]
    starts: Integers
    correct: npt.NDArray[np.bool_]
    scores: Mapping[str, Numbers] = field(default_factory=dict)
    answer: npt.NDArray[np.integer[Any]] | None = None
    answers: tuple[str, ...] = ()
    cost: Mapping[str, Numbers] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return int(self.correct.size)

    @property
    def counts(self) -> Counts:
        """How many samples of each problem are right."""
        total = np.concatenate([[0], np.cumsum(self.correct, dtype=np.int64)])
        attempts = np.diff(self.starts)
        return Counts(self.problems, np.diff(total[self.starts]), attempts, self.notes)

    def rows(self, problem: int) -> slice:
        """Return where the samples of a problem lie."""
        return slice(int(self.starts[problem]), int(self.starts[problem + 1]))

    def pieces(self, size: int) -> Iterator[Samples]:
        """Yield the samples of problems one after another, some `size` of them at a time."""
        for first, last in spans(np.diff(self.starts), size):
            rows = slice(int(self.starts[first]), int(self.starts[last]))
            yield Samples(
                problems=self.problems[first:last],
                starts=self.starts[first : last + 1] - self.starts[first],
                correct=self.correct[rows],
                scores={name: values[rows] for name, values in self.scores.items()},
                answer=None if self.answer is None else self.answer[rows],
                answers=self.answers,
                cost={name: values[first:last] for name, values in self.cost.items()},
                notes=self.notes,
            )

    def where(self, mask: npt.NDArray[np.bool_]) -> Samples:
        """Return the samples (n,) that are kept; a problem without any is gone."""
        problem = np.repeat(np.arange(len(self.problems)), np.diff(self.starts))
        counts = np.bincount(problem[mask], minlength=len(self.problems))
        has = counts > 0
        return Samples(
            problems=tuple(p for p, some in zip(self.problems, has, strict=True) if some),
            starts=np.concatenate([[0], np.cumsum(counts[has])]),
            correct=self.correct[mask],
            scores={name: values[mask] for name, values in self.scores.items()},
            answer=None if self.answer is None else self.answer[mask],
            answers=self.answers,
            cost={name: values[has] for name, values in self.cost.items()},
            notes=self.notes,
        )

    def split(self, first: int, seed: int = 0) -> tuple[Samples, Samples]:
        """Return `first` samples of every problem, drawn by chance, and the others.

        Raises RefusedByData where a problem has no more than `first`.
        """
        if first < 1:
            raise UsageError(f"{first} samples are to be set aside; give one at least")
        if first >= int(np.diff(self.starts).min()):
            raise RefusedByData(
                f"{first} samples of each problem are to be set aside, and some have "
                f"{int(np.diff(self.starts).min())}; set fewer aside, or sample more"
            )
        luck = np.random.default_rng(seed).random(len(self))
        problem = np.repeat(np.arange(len(self.problems)), np.diff(self.starts))
        order = np.lexsort((luck, problem))
        rank = np.empty(len(self), np.int64)
        rank[order] = np.arange(len(self)) - self.starts[problem]
        aside = rank < first
        return self.where(aside), self.where(~aside)

    def with_score(self, verifier: str) -> Samples | None:
        """Return the samples that a verifier gave a number, None where it scored nothing."""
        mask = np.isfinite(self.scores[verifier])
        if mask.all():
            return self
        return self.where(mask) if mask.any() else None

    def scored(self, verifier: str) -> tuple[Samples, tuple[Note, ...]]:
        """Return the samples that a verifier gave a number, and what was left out for want of one.

        Raises UsageError for a verifier that is not there, RefusedByData if it scored nothing.
        """
        if verifier not in self.scores:
            have = ", ".join(self.scores) or "none"
            raise UsageError(f"no scores of a verifier {verifier!r}; the verifiers are: {have}")
        mask = np.isfinite(self.scores[verifier])
        if mask.all():
            return self, ()
        if not mask.any():
            raise RefusedByData(f"verifier {verifier} gave no sample a number")
        part = self.where(mask)
        out, gone = int((~mask).sum()), len(self.problems) - len(part.problems)
        note = f"{out:,} samples without a finite score of {verifier} are left out of its curves"
        note += f", and so {gone} problems" if gone else ""
        return part, (Note("doubt", "left-out", note),)


def spans(sizes: Integers, most: int) -> Iterator[tuple[int, int]]:
    """Yield the first problem and the one past the last of blocks of `most` samples, or of one."""
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    first = 0
    while first < sizes.size:
        last = max(int(np.searchsorted(ends, ends[first] + most, side="right")) - 1, first + 1)
        yield first, last
        first = last


def by_size(starts: Integers) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Yield each number of samples, and the problems that have so many."""
    sizes = np.diff(starts)
    for size in np.unique(sizes):
        yield int(size), np.flatnonzero(sizes == size)
