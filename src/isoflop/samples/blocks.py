"""Samples read a block of problems at a time, so that a bank may be larger than the memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isoflop.samples.sample_table import NO_ANSWER, SCORE, Samples, spans
from isoflop.samples.tallies import (
    Read,
    Tally,
    coded,
    codes_of,
    columns_for,
    counting_rows,
    numbers,
    tallied,
    tally_of,
    truths,
)

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = 400_000_000  # bytes that the samples of a block take, unless one problem has more


@dataclass(frozen=True, eq=False)
class SampleBlocks:
    """Samples of one strategy and lineage that are read a block of problems at a time.

    A problem is never cut. Answers are numbers that tell them apart, without their texts. One
    block is kept; of several, each is read again whenever they are gone through.
    """

    tally: Tally
    answers: bool
    _read: Read | None
    _kept: list[Samples] = field(default_factory=list)

    @staticmethod
    def of(samples: Samples) -> SampleBlocks:
        """Return samples in memory as one block."""
        return SampleBlocks(tally_of(samples), samples.answer is not None, None, [samples])

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first problem of each block, and the one past its last."""
        each = 1 + 8 * len(self.tally.scored) + 8 * self.answers
        return list(spans(self.tally.attempts, MEMORY // each))

    def __iter__(self) -> Iterator[Samples]:
        if self._kept or self._read is None:
            yield from self._kept
            return
        cuts = self.spans
        for first, last in cuts:
            block = filled(
                tally=self.tally,
                read=self._read,
                verifiers=list(self.tally.scored),
                answers=self.answers,
                part=slice(first, last),
                numbers=None,
            )
            if len(cuts) == 1:
                self._kept.append(block)
            yield block


def read_blocks(read: Read, verifiers: Sequence[str] = (), answers: bool = False) -> SampleBlocks:
    """Return the samples that `read` gives, of which this call reads the tally alone.

    Raises RefusedByData where no sample counts.
    """
    tally = tallied(read(columns_for(verifiers, answers), None), verifiers, answers)
    return SampleBlocks(tally, answers, read)


def gather(read: Read, verifiers: Sequence[str] = (), answers: bool = False) -> Samples:
    """Return the samples that `read` gives, in memory.

    Rows that say why they are left out, and rows that nobody graded, are counted in the notes.
    Raises RefusedByData where no sample counts.
    """
    tally = tallied(read(columns_for(verifiers, answers), None), verifiers, answers)
    numbers: dict[str, int] = {}
    return filled(
        tally=tally,
        read=read,
        verifiers=verifiers,
        answers=answers,
        part=slice(None),
        numbers=numbers,
    )


@dataclass
class _Filling:
    """Samples of problems that are told, each row put where it belongs as it comes."""

    starts: npt.NDArray[np.int64]
    correct: npt.NDArray[np.bool_]
    scores: dict[str, npt.NDArray[np.float64]]
    answer: npt.NDArray[Any] | None
    next: npt.NDArray[np.int64]

    def add(self, codes: npt.NDArray[np.int32], columns: dict[str, npt.NDArray[Any]]) -> None:
        """Put rows of problems (n,) after those that came before.

        Rows that were added to the bank since its problems were counted are not taken.
        """
        size = self.starts.size - 1
        small = codes.astype(np.int16) if size < 2**15 else codes  # sorts by radix
        order = np.argsort(small, kind="stable")
        order = order[np.searchsorted(small[order], 0) :]
        count = np.bincount(codes[order], minlength=size)
        begin = np.cumsum(count) - count
        place = np.arange(order.size) + np.repeat(self.next - begin, count)
        room = place < np.repeat(self.starts[1:], count)
        order, place = order[room], place[room]
        self.next = np.minimum(self.next + count, self.starts[1:])
        self.correct[place] = columns["correct"][order]
        for name, values in self.scores.items():
            values[place] = columns[SCORE + name][order]
        if self.answer is not None:
            self.answer[place] = columns["answer"][order]


def filled(
    tally: Tally,
    read: Read,
    verifiers: Sequence[str],
    answers: bool,
    part: slice,
    numbers: dict[str, int] | None,
) -> Samples:
    """Return the samples of a part of the problems.

    Answers are codes of those that are `numbers`, to which new ones are added; or their hashes
    where that is None.
    """
    names = tally.problems[part]
    starts = np.concatenate([[0], np.cumsum(tally.attempts[part])])
    n = int(starts[-1])
    kind = np.int64 if numbers is None else np.int32
    filling = _Filling(
        starts,
        np.zeros(n, np.bool_),
        {v: np.full(n, np.nan) for v in verifiers},
        np.full(n, NO_ANSWER, kind) if answers else None,
        starts[:-1].copy(),
    )
    rank = {name: i for i, name in enumerate(names)}
    span = None if len(names) == len(tally.problems) else (names[0], names[-1])
    for table in read(columns_for(verifiers, answers, prices=False), span):
        rows = counting_rows(table, Counter())
        codes = coded(rows["problem"], lambda words: [rank.get(w, -1) for w in words], np.int32)
        filling.add(codes, _columns(rows, verifiers, answers, numbers))
    costs = {name: values[part] for name, values in tally.cost.items()}
    return Samples(
        problems=names,
        starts=starts,
        correct=filling.correct,
        scores=filling.scores,
        answer=filling.answer,
        answers=tuple(numbers or ()),
        cost=costs,
        notes=tally.notes,
    )


def _columns(
    table: pa.Table, verifiers: Sequence[str], answers: bool, codes: dict[str, int] | None
) -> dict[str, npt.NDArray[Any]]:
    columns: dict[str, npt.NDArray[Any]] = {
        SCORE + name: numbers(table[SCORE + name]) for name in verifiers
    }
    columns["correct"] = truths(table["correct"])
    if answers and codes is None:
        columns["answer"] = coded(table["answer"], _hashes, np.int64)
    elif answers and codes is not None:
        columns["answer"] = codes_of(table["answer"], codes)
    return columns


def _hashes(words: list[str]) -> list[int]:
    """Return a number below 2^63 for each text.

    Two of a million answers of a problem have the same with a chance of 1 in 10 million.
    """
    return [
        int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest()) >> 1
        for word in words
    ]
