"""Samples in memory, sorted by problem, as estimators take them; and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isoflop.errors import RefusedByData, UsageError, amount

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SCORE = "score:"  # how the column of a verifier begins
SPENT = (
    "tokens", "prompt_tokens", "flop", "prompt_flop", "verifier_flop", "verifier_prompt_flop",
    "seconds",
)  # fmt: skip
NO_ANSWER = -1


@dataclass(frozen=True, eq=False)
class Counts:
    """How many of the samples `tried` (p,) of each problem were right: `solved` (p,)."""

    problems: tuple[str, ...]
    solved: Integers
    tried: Integers
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        if not len(self.problems):
            raise RefusedByData("there are no graded samples: no problem can be counted")
        wrong = np.flatnonzero((self.solved < 0) | (self.solved > self.tried) | (self.tried < 1))
        if wrong.size:
            i = int(wrong[0])
            raise UsageError(
                f"problem {self.problems[i]!r} has {self.solved[i]} solved of {self.tried[i]} "
                "tried; no more are solved than tried, and one is tried at least"
            )

    @property
    def reach(self) -> int:
        """The most samples that every problem has: k goes no further."""
        return int(self.tried.min())

    def thinned(self, n: int, rng: np.random.Generator) -> Counts:
        """Return the counts of `n` of the samples of each problem, drawn without replacement."""
        solved = rng.hypergeometric(self.solved, self.tried - self.solved, n)
        return Counts(self.problems, solved, np.full(solved.size, n))


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one strategy and lineage; those of problem i are rows starts[i] to starts[i+1].

    `answer` (n,) holds codes of `answers`, -1 where there is none; it is empty unless asked for.
    `spent` holds means per sample of each problem (p,), NaN where nobody wrote them down.
    """

    problems: tuple[str, ...]
    starts: Integers
    correct: npt.NDArray[np.bool_]
    scores: Mapping[str, Numbers] = field(default_factory=dict)
    answer: npt.NDArray[np.int32] | None = None
    answers: tuple[str, ...] = ()
    spent: Mapping[str, Numbers] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.correct.size)

    @property
    def counts(self) -> Counts:
        """How many samples of each problem are right."""
        total = np.concatenate([[0], np.cumsum(self.correct, dtype=np.int64)])
        tried = np.diff(self.starts)
        return Counts(self.problems, np.diff(total[self.starts]), tried, self.notes)

    def rows(self, problem: int) -> slice:
        """Return where the samples of a problem lie."""
        return slice(int(self.starts[problem]), int(self.starts[problem + 1]))

    def where(self, kept: npt.NDArray[np.bool_]) -> Samples:
        """Return the samples (n,) that are kept; a problem without any is gone."""
        problem = np.repeat(np.arange(len(self.problems)), np.diff(self.starts))
        left = np.bincount(problem[kept], minlength=len(self.problems))
        has = left > 0
        return Samples(
            tuple(p for p, some in zip(self.problems, has, strict=True) if some),
            np.concatenate([[0], np.cumsum(left[has])]),
            self.correct[kept],
            {name: values[kept] for name, values in self.scores.items()},
            None if self.answer is None else self.answer[kept],
            self.answers,
            {name: values[has] for name, values in self.spent.items()},
            self.notes,
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

    def scored(self, verifier: str) -> tuple[Samples, tuple[str, ...]]:
        """Return the samples that a verifier gave a number, and what was left out for want of one.

        Raises UsageError for a verifier that is not there, RefusedByData if it scored nothing.
        """
        if verifier not in self.scores:
            have = ", ".join(self.scores) or "none"
            raise UsageError(f"no scores of a verifier {verifier!r}; the verifiers are: {have}")
        known = np.isfinite(self.scores[verifier])
        if known.all():
            return self, ()
        if not known.any():
            raise RefusedByData(f"verifier {verifier} gave no sample a number")
        part = self.where(known)
        out, gone = int((~known).sum()), len(self.problems) - len(part.problems)
        note = f"{out:,} samples without a finite score of {verifier} are left out of its curves"
        return part, (note + (f", and so {gone} problems" if gone else ""),)


@dataclass
class _Gathered:
    """What has been read so far, chunk by chunk."""

    problems: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    problem: list[npt.NDArray[np.int32]] = field(default_factory=list)
    correct: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    answer: list[npt.NDArray[np.int32]] = field(default_factory=list)
    scores: dict[str, list[Numbers]] = field(default_factory=dict)
    sums: dict[str, Numbers] = field(default_factory=dict)
    stated: dict[str, Numbers] = field(default_factory=dict)
    out: Counter[str] = field(default_factory=Counter)


def columns_for(verifiers: Sequence[str] = (), answers: bool = False) -> list[str]:
    """Return the columns that `gather` needs."""
    scores = [SCORE + name for name in verifiers]
    return ["problem", "correct", "left_out", *SPENT, *scores, *(["answer"] if answers else [])]


def counted(tables: Iterable[pa.Table]) -> Counts:
    """Return solved and tried of each problem, in memory that grows with problems alone."""
    found = _Gathered()
    solved, tried = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for table in tables:
        kept = _kept(table, found.out)
        codes = _codes(kept["problem"], found.problems)
        correct = kept["correct"].to_numpy().astype(bool)
        size = len(found.problems)
        solved = _grown(solved, size) + np.bincount(codes[correct], minlength=size)
        tried = _grown(tried, size) + np.bincount(codes, minlength=size)
    names, order = _in_order(found.problems)
    return Counts(names, solved[order], tried[order], _left_out(found.out))


def gather(
    tables: Iterable[pa.Table], verifiers: Sequence[str] = (), answers: bool = False
) -> Samples:
    """Return the samples of tables, one after another, that count in estimates.

    Rows that say why they are left out, and rows that nobody graded, are counted in the notes.
    """
    found = _Gathered(scores={name: [] for name in verifiers})
    for table in tables:
        kept = _kept(table, found.out)
        codes = _codes(kept["problem"], found.problems)
        found.problem.append(codes)
        found.correct.append(kept["correct"].to_numpy().astype(bool))
        for name, parts in found.scores.items():
            parts.append(_numbers(kept[SCORE + name]))
        if answers:
            found.answer.append(_codes(kept["answer"], found.answers))
        _add_spent(kept, codes, found)
    if not found.problem or not found.problems:
        raise RefusedByData(
            "there are no graded samples" + "".join(f"; {n}" for n in _left_out(found.out))
        )
    return _sorted(found, answers)


def _sorted(found: _Gathered, answers: bool) -> Samples:
    names, order = _in_order(found.problems)
    rank = np.empty(order.size, np.int32)
    rank[order] = np.arange(order.size, dtype=np.int32)
    problem = rank[_joined(found.problem)]
    rows = np.argsort(problem, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(problem, minlength=order.size))])
    with np.errstate(invalid="ignore", divide="ignore"):
        spent = {
            name: (_grown(total, order.size) / _grown(found.stated[name], order.size))[order]
            for name, total in found.sums.items()
        }
    return Samples(
        names, starts, _joined(found.correct)[rows],
        {name: _joined(parts)[rows] for name, parts in found.scores.items()},
        _joined(found.answer)[rows] if answers else None, tuple(found.answers), spent,
        _left_out(found.out),
    )  # fmt: skip


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return the parts as one array, and let go of them: they are many millions."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _kept(table: pa.Table, out: Counter[str]) -> pa.Table:
    """Return the rows that count; the others are counted by reason."""
    import pyarrow.compute as pc

    reason = pc.fill_null(table["left_out"], "")
    reason = pc.if_else(
        pc.and_(pc.equal(reason, ""), pc.is_null(table["correct"])), "nobody graded it", reason
    )
    stays = pc.equal(reason, "")
    for entry in pc.value_counts(pc.filter(reason, pc.invert(stays))).to_pylist():
        out[entry["values"]] += entry["counts"]
    return table.filter(stays)


def _left_out(out: Counter[str]) -> tuple[str, ...]:
    return tuple(
        f"{amount(n, 'sample is', 'samples are')} left out: {why}" for why, n in out.most_common(8)
    )


def _codes(column: Any, known: dict[str, int]) -> npt.NDArray[np.int32]:
    """Return a code for each text, -1 for none; new texts are added to `known`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pc.dictionary_encode(column)
    cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    words = cells.dictionary.to_pylist()
    code = np.array([known.setdefault(w, len(known)) for w in words] + [NO_ANSWER], np.int32)
    where = pc.fill_null(cells.indices, len(words)).to_numpy(zero_copy_only=False)
    return np.asarray(code[where])


def _numbers(column: Any) -> Numbers:
    return np.asarray(column.cast("float64").to_numpy(), float)


def _add_spent(kept: pa.Table, codes: npt.NDArray[np.int32], found: _Gathered) -> None:
    """Add what each problem's samples cost, as far as it is stated."""
    size = len(found.problems)
    for name in SPENT:
        if kept[name].null_count == len(kept):
            continue
        values = _numbers(kept[name])
        has = np.isfinite(values)
        total = np.bincount(codes[has], values[has], minlength=size)
        count = np.bincount(codes[has], minlength=size)
        found.sums[name] = _grown(found.sums.get(name, np.zeros(0)), size) + total
        found.stated[name] = _grown(found.stated.get(name, np.zeros(0)), size) + count


def _grown(values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    return np.concatenate([values, np.zeros(size - values.size, values.dtype)])


def _in_order(problems: Mapping[str, int]) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """Return problems sorted by name, and their codes: no answer depends on the order of rows."""
    names = sorted(problems)
    return tuple(names), np.array([problems[n] for n in names], np.intp)


def by_size(starts: Integers) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Yield each number of samples, and the problems that have so many."""
    sizes = np.diff(starts)
    for size in np.unique(sizes):
        yield int(size), np.flatnonzero(sizes == size)
