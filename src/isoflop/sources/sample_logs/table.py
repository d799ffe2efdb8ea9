"""The samples of logs as a table of a bank's columns, which need not fit into the memory."""

from __future__ import annotations

import functools
import hashlib
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isoflop.errors import Note, UnknownName, amount
from isoflop.samples.bank import SCHEMA, SampleBank, chosen_group
from isoflop.samples.blocks import SampleBlocks, gather, read_blocks
from isoflop.samples.sample_table import Counts, Samples
from isoflop.samples.tallies import Read, counted
from isoflop.sources.sample_logs.numbering import NONE
from isoflop.sources.sample_logs.parsed import Watch, silent
from isoflop.sources.sample_logs.spill import Spill
from isoflop.store.chunks import Choice, chosen, table_of

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS, CHUNK_BYTES = 500_000, 64_000_000  # of samples that are written to a bank at a time


@dataclass
class LogGroup:
    """How many samples of a strategy and lineage there are, graded and right, and its problems."""

    samples: int = 0
    graded: int = 0
    right: int = 0
    problems: set[str] = field(default_factory=set)


@dataclass(frozen=True, eq=False)
class SampleTable:
    """Samples as columns of a bank, and what was noticed when they were read.

    `number` (n,) is that of each sample, -1 for one that is left out. What samples lack is in
    `gaps`, of the whole table: who uses a part of it looks there.
    """

    spill: Spill
    number: npt.NDArray[np.int64]
    notes: tuple[Note, ...]
    origin: str
    problems: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    @staticmethod
    def of(columns: Mapping[str, Sequence[Any]], origin: str) -> SampleTable:
        """Return samples given by all their columns, the key included."""
        spill, table = Spill(), table_of(columns, SCHEMA)
        spill.add(table)
        return SampleTable(spill, np.asarray(table["sample"], np.int64), (), origin)

    def __len__(self) -> int:
        return int((self.number != NONE).sum())

    def save(self, path: str | os.PathLike[str], /, watch: Watch = silent) -> int:
        """Write the samples to the bank at `path`, made if there is none; return how many are new.

        Known ones stay as they are. `watch` is told how many are done, of how many.
        """
        import pyarrow as pa

        bank, new, done = SampleBank.create(path), 0, 0
        with bank.writing() as rows:
            for lineage, texts in self.problems.items():
                bank.keep_problems(lineage, texts)
            for tables in self._chunks():
                part = pa.concat_tables(tables, promote_options="default")
                new += rows.extend({name: part[name] for name in part.column_names})
                done += len(part)
                watch(done, len(self))
            rows.close()
        return new

    def _chunks(self) -> Iterator[list[pa.Table]]:
        """Yield the tables, as many at a time as are written together."""
        chunk: list[pa.Table] = []
        for table in self._parts(None):
            chunk.append(table)
            many = sum(len(t) for t in chunk) >= CHUNK_ROWS
            if many or sum(t.nbytes for t in chunk) >= CHUNK_BYTES:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _parts(self, columns: Collection[str] | None) -> Iterator[pa.Table]:
        """Yield the samples with their numbers, and with those of the columns that there are."""
        import pyarrow as pa

        at = 0
        wanted = None if columns is None else {*columns, "sample"}
        for table in self.spill.tables(wanted):
            number = self.number[at : at + len(table)]
            at += len(table)
            place = table.column_names.index("sample")
            table = table.set_column(place, "sample", pa.array(number))
            yield table if (number != NONE).all() else table.filter(pa.array(number != NONE))

    def tables(
        self,
        columns: Sequence[str],
        where: Mapping[str, str],
        span: tuple[str, str] | None = None,
    ) -> Iterator[pa.Table]:
        """Yield the samples that have the texts of `where`, some at a time, with these columns.

        `span` says the first and the last problem.
        """
        choice = Choice(where, {"problem": span} if span else {})
        for table in self._parts({*columns, *choice.columns}):
            yield chosen(table, columns, choice, SCHEMA)

    @property
    def columns(self) -> Mapping[str, list[Any]]:
        """All columns, in memory."""
        import pyarrow as pa

        whole = pa.concat_tables(self._parts(None), promote_options="default")
        return {name: whole[name].to_pylist() for name in whole.column_names}

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The columns that any sample has."""
        return tuple(dict.fromkeys(n for t in self.spill.tables() for n in t.column_names))

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The verifiers that scored them."""
        return tuple(n.removeprefix(SCHEMA.free) for n in self.names if n.startswith(SCHEMA.free))

    @functools.cached_property
    def gaps(self) -> tuple[Note, ...]:
        """What some of the samples lack: answers, scores."""
        scores = [SCHEMA.free + name for name in self.verifiers]
        lacking: Counter[str] = Counter()
        for table in self.tables(["answer", *scores], {}):
            lacking.update({name: table[name].null_count for name in table.column_names})
        remarks = []
        if 0 < lacking["answer"] < len(self):
            lacks = amount(lacking["answer"], "sample has", "samples have")
            remarks.append(
                Note("doubt", "answers", f"{lacks} no answer in a normal form: they do not vote")
            )
        for name in self.verifiers:
            if bare := lacking[SCHEMA.free + name]:
                scores_ = amount(bare, f"score of {name} is", f"scores of {name} are")
                remarks.append(Note("doubt", "scores", f"{scores_} missing or not finite"))
        return tuple(remarks)

    @functools.cached_property
    def groups(self) -> Mapping[tuple[str, str], LogGroup]:
        """What there is of each strategy and lineage, in the order in which they come."""
        groups: dict[tuple[str, str], LogGroup] = {}
        names = ["strategy", "lineage", "problem"]
        for table in self.tables([*names, "correct"], {}):
            counts = table.group_by(names, use_threads=False).aggregate(
                [("correct", "count"), ("correct", "sum"), ([], "count_all")]
            )
            for row in counts.to_pylist():
                group = groups.setdefault((row["strategy"], row["lineage"]), LogGroup())
                group.samples += row["count_all"]
                group.graded += row["correct_count"]
                group.right += row["correct_sum"] or 0
                group.problems.add(row["problem"])
        return groups

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Return each strategy and lineage that there are samples of."""
        return tuple(self.groups)

    def load(
        self,
        strategy: str | None = None,
        lineage: str | None = None,
        verifiers: Sequence[str] = (),
        answers: bool = False,
    ) -> Samples:
        """Return the samples of one strategy and lineage, as `Bank.load` does."""
        return gather(self._reader(strategy, lineage, verifiers), verifiers, answers)

    def blocks(
        self,
        strategy: str | None = None,
        lineage: str | None = None,
        verifiers: Sequence[str] = (),
        answers: bool = False,
    ) -> SampleBlocks:
        """Return the samples of one strategy and lineage, as `Bank.blocks` does."""
        return read_blocks(self._reader(strategy, lineage, verifiers), verifiers, answers)

    def counts(self, strategy: str | None = None, lineage: str | None = None) -> Counts:
        """Return how many samples of each problem are right."""
        read = self._reader(strategy, lineage, ())
        return counted(read(["problem", "correct", "left_out"], None))

    def _reader(self, strategy: str | None, lineage: str | None, verifiers: Sequence[str]) -> Read:
        if unknown := sorted(set(verifiers) - set(self.verifiers)):
            raise UnknownName(f"verifier in {self.origin}", unknown[0], self.verifiers)
        which = chosen_group(self.groups, strategy, lineage, self.origin)
        where = {"strategy": which[0], "lineage": which[1]}
        return lambda columns, span: self.tables(columns, where, span)


def contents_of(spill: Spill, which: npt.NDArray[np.bool_]) -> dict[int, bytes]:
    """Return a digest of all that some of the samples (n,) say, by their place."""
    import pyarrow as pa

    contents, at = {}, 0
    for table in spill.tables():
        part = which[at : at + len(table)]
        if part.any():
            rows = table.filter(pa.array(part)).to_pylist()
            for place, row in zip(np.flatnonzero(part).tolist(), rows, strict=True):
                text = repr(sorted((k, v) for k, v in row.items() if v is not None))
                contents[at + place] = hashlib.blake2b(text.encode(), digest_size=16).digest()
        at += len(table)
    return contents
