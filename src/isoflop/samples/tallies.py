"""What estimators take of each problem in all, told by tables that come one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.errors import Note, RefusedByData, UsageError, amount
from isoflop.samples.sample_table import NO_ANSWER, SCORE, SPENT, Counts, Samples

if TYPE_CHECKING:
    import pyarrow as pa

# Reads columns, of the problems from one name to another or of all, a table at a time.
Read: TypeAlias = "Callable[[Sequence[str], tuple[str, str] | None], Iterator[pa.Table]]"

DISTINCT = 10_000  # answers up to which they are counted


@dataclass(frozen=True, eq=False)
class Scored:
    """How many samples of each problem a verifier scored `count` (p,), and the `least` score.

    `answered` counts those among them that have an answer.
    """

    count: Integers
    least: float
    answered: int


@dataclass(frozen=True, eq=False)
class Tally:
    """What samples of one strategy and lineage say in all, by problem (p,) in the order of names.

    `cost` holds means per sample, NaN where nobody wrote them down; `scored` is by verifier.
    `answered` samples have an answer; a problem has at most `distinct` ones.
    """

    problems: tuple[str, ...]
    solved: Integers
    attempts: Integers
    cost: Mapping[str, Numbers] = field(default_factory=dict)
    scored: Mapping[str, Scored] = field(default_factory=dict)
    answered: int = 0
    distinct: float = np.inf
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return int(self.attempts.sum())

    @property
    def counts(self) -> Counts:
        """How many samples of each problem are right."""
        return Counts(self.problems, self.solved, self.attempts, self.notes)

    def of(self, verifier: str) -> tuple[Tally, tuple[Note, ...]]:
        """Return what there is of problems that a verifier scored, and what was left out.

        `tried` are then the samples with a score; how many of those are right is not told, so
        that `solved` is 0.
        Raises UsageError for a verifier that is not there, RefusedByData if it scored nothing.
        """
        if verifier not in self.scored:
            have = ", ".join(self.scored) or "none"
            raise UsageError(f"no scores of a verifier {verifier!r}; the verifiers are: {have}")
        counts, has = self.scored[verifier].count, self.scored[verifier].count > 0
        if not has.any():
            raise RefusedByData(f"verifier {verifier} gave no sample a number")
        out, gone = int((self.attempts - counts).sum()), int((~has).sum())
        note = f"{out:,} samples without a finite score of {verifier} are left out of its curves"
        note += f", and so {gone} problems" if gone else ""
        return Tally(
            tuple(p for p, some in zip(self.problems, has, strict=True) if some),
            np.zeros(int(has.sum()), np.int64),
            counts[has],
            {name: values[has] for name, values in self.cost.items()},
            answered=self.scored[verifier].answered,
            distinct=self.distinct,
        ), ((Note("doubt", "left-out", note),) if out else ())


@dataclass
class Tallying:
    """A tally so far, of tables that are added one after another."""

    verifiers: Sequence[str] = ()
    answers: bool = False
    problems: dict[str, int] = field(default_factory=dict)
    sums: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    least: dict[str, float] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)
    words: set[str] | None = field(default_factory=set)
    out: Counter[str] = field(default_factory=Counter)

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table that count in estimates."""
        rows = counting_rows(table, self.out)
        codes = codes_of(rows["problem"], self.problems)
        self._sum("tried", codes)
        self._sum("solved", codes[truths(rows["correct"])])
        for name in [n for n in SPENT if n in rows.column_names]:
            if rows[name].null_count < len(rows):
                values = numbers(rows[name])
                has = np.isfinite(values)
                self._sum(name, codes[has], values[has])
                self._sum(f"stated {name}", codes[has])
        voted = np.zeros(len(rows), np.bool_)
        if self.answers:
            voted = rows["answer"].is_valid().to_numpy()
            self.answered[""] += int(voted.sum())
            self._collect(rows["answer"])
        for name in self.verifiers:
            self._score(name, numbers(rows[SCORE + name]), codes, voted)

    def done(self) -> Tally:
        """Return the tally; raises RefusedByData where no sample counts."""
        notes = left_out(self.out)
        if not self.problems:
            raise RefusedByData("there are no graded samples" + "".join(f"; {n}" for n in notes))
        names = sorted(self.problems)
        order = np.array([self.problems[n] for n in names], np.intp)
        total = {name: _grown(values, order.size)[order] for name, values in self.sums.items()}
        none = np.zeros(order.size, np.int64)
        with np.errstate(invalid="ignore", divide="ignore"):
            costs = {n: total[n] / total[f"stated {n}"] for n in SPENT if n in total}
        scored = {
            name: Scored(
                total.get(SCORE + name, none), self.least.get(name, np.inf), self.answered[name]
            )
            for name in self.verifiers
        }
        distinct = np.inf if self.words is None or not self.answers else len(self.words)
        return Tally(
            problems=tuple(names),
            solved=total.get("solved", none),
            attempts=total["tried"],
            cost=costs,
            scored=scored,
            answered=self.answered[""],
            distinct=distinct,
            notes=notes,
        )

    def _sum(self, name: str, codes: Any, values: Numbers | None = None) -> None:
        size = len(self.problems)
        added = np.bincount(codes, values, minlength=size)
        before = self.sums.get(name, np.zeros(0, added.dtype))
        self.sums[name] = _grown(before, size) + added

    def _score(self, name: str, values: Numbers, codes: Any, voted: npt.NDArray[np.bool_]) -> None:
        has = np.isfinite(values)
        if has.any():
            self._sum(SCORE + name, codes[has])
            self.least[name] = min(self.least.get(name, np.inf), float(values[has].min()))
            self.answered[name] += int((has & voted).sum())

    def _collect(self, column: Any) -> None:
        """Add the answers to the known ones, as long as those are few."""
        if self.words is not None:
            new = [
                w
                for part in _dictionaries(column)
                for w in part.dictionary[: DISTINCT + 1].to_pylist()
            ]
            self.words.update(new)
            self.words = self.words if len(self.words) <= DISTINCT else None


def counted(tables: Iterable[pa.Table]) -> Counts:
    """Return solved and tried of each problem, in memory that grows with problems alone."""
    return tallied(tables).counts


def tallied(
    tables: Iterable[pa.Table], verifiers: Sequence[str] = (), answers: bool = False
) -> Tally:
    """Return the tally of tables, in memory that grows with problems alone.

    Rows that say why they are left out, and rows that nobody graded, are counted in the notes.
    Raises RefusedByData where no sample counts.
    """
    tally = Tallying(verifiers, answers)
    for table in tables:
        tally.add(table)
    return tally.done()


def sizes_of(tables: Iterable[pa.Table]) -> tuple[list[str], Integers]:
    """Return the problems of tables in the order of their names, and the rows (p,) of each."""
    numbers: dict[str, int] = {}
    size = np.zeros(0, np.int64)
    for table in tables:
        codes = codes_of(table["problem"], numbers)
        size = _grown(size, len(numbers)) + np.bincount(codes, minlength=len(numbers))
    names = sorted(numbers)
    return names, size[[numbers[name] for name in names]]


def columns_for(
    verifiers: Sequence[str] = (), answers: bool = False, prices: bool = True
) -> list[str]:
    """Return the columns that estimators need."""
    costs = SPENT if prices else ()
    scores = [SCORE + name for name in verifiers]
    return ["problem", "correct", "left_out", *costs, *scores, *(["answer"] if answers else [])]


def counting_rows(table: pa.Table, out: Counter[str]) -> pa.Table:
    """Return the rows that count in estimates; the others are counted by reason."""
    import pyarrow.compute as pc

    reasons, right = table["left_out"], table["correct"]
    if reasons.null_count == len(table) and not right.null_count:
        return table
    reason = pc.fill_null(reasons, "")
    reason = pc.if_else(
        pc.and_(pc.equal(reason, ""), pc.is_null(right)), "nobody graded it", reason
    )
    stays = pc.equal(reason, "")
    for entry in pc.value_counts(pc.filter(reason, pc.invert(stays))).to_pylist():
        out[entry["values"]] += entry["counts"]
    return table.filter(stays)


def left_out(out: Counter[str]) -> tuple[Note, ...]:
    """Return what is left out, most first."""
    return tuple(
        Note("doubt", "left-out", f"{amount(n, 'sample is', 'samples are')} left out: {why}")
        for why, n in out.most_common(8)
    )


def _dictionaries(column: Any) -> list[Any]:
    """Return a column of texts as dictionary arrays."""
    import pyarrow.compute as pc

    return list(pc.dictionary_encode(column).chunks)


def codes_of(column: Any, numbers: dict[str, int]) -> npt.NDArray[np.int32]:
    """Return a code for each text, -1 for none; new texts are added to `numbers`."""
    return coded(
        column, lambda words: [numbers.setdefault(w, len(numbers)) for w in words], np.int32
    )


def coded(
    column: Any, codes: Callable[[list[str]], Sequence[int]], kind: type[np.integer[Any]]
) -> npt.NDArray[Any]:
    """Return a number for each text of a column (n,), -1 for none; each text is asked for once."""
    import pyarrow.compute as pc

    parts = [np.zeros(0, kind)]
    for cells in _dictionaries(column):
        words = cells.dictionary.to_pylist()
        code = np.array([*codes(words), NO_ANSWER], kind)
        where = pc.fill_null(cells.indices, len(words)).to_numpy(zero_copy_only=False)
        parts.append(code[where])
    return np.concatenate(parts) if len(parts) > 2 else parts[-1]


def numbers(column: Any) -> Numbers:
    """Return a column of numbers (n,), NaN for none."""
    return np.asarray(column.cast("float64").to_numpy(), float)


def truths(column: Any) -> npt.NDArray[np.bool_]:
    """Return a column of truths (n,)."""
    return np.asarray(column.to_numpy(), bool)


def _grown(values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    return np.concatenate([values, np.zeros(size - values.size, values.dtype)])


def tally_of(samples: Samples) -> Tally:
    """Return the tally of samples that are in memory."""
    counts, voted = samples.counts, np.zeros(len(samples), np.bool_)
    distinct = np.inf
    if samples.answer is not None:
        voted = samples.answer >= 0
        distinct = len(samples.answers) or np.inf
    scored = {}
    for name, score in samples.scores.items():
        has = np.isfinite(score)
        count = np.add.reduceat(has, samples.starts[:-1], dtype=np.int64)
        least = float(score[has].min()) if has.any() else np.inf
        scored[name] = Scored(count, least, int((has & voted).sum()))
    return Tally(
        problems=samples.problems,
        solved=counts.solved,
        attempts=counts.attempts,
        cost=samples.cost,
        scored=scored,
        answered=int(voted.sum()),
        distinct=distinct,
        notes=samples.notes,
    )
