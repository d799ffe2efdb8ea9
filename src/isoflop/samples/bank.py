"""The sample bank: every attempt at every problem, kept once, from which every budget is told.

A bank is a study folder whose samples lie in `samples/`. A sample is known by its strategy, its
lineage (what made it: model, seed, settings), its problem and its number; writing one again
changes nothing, so that whoever was killed starts over and nothing is lost or counted twice.
Verdicts that come later, of a further verifier or of whoever grades, lie in `later/`, a folder
each: they fill what a sample left open, and change nothing that it said.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from isoflop.errors import UnknownName, UsageError
from isoflop.samples.blocks import SampleBlocks, gather, read_blocks
from isoflop.samples.sample_table import SCORE, Counts, Samples, spans
from isoflop.samples.tallies import Read, counted, sizes_of
from isoflop.samples.verdicts import Verdicts
from isoflop.store import JSON, Study
from isoflop.store.chunks import Schema
from isoflop.store.rows import Rows, Writer

if TYPE_CHECKING:
    import pyarrow as pa

CODED = ("strategy", "lineage", "problem", "answer", "left_out")  # texts that come again
VERDICTS = 20_000_000  # that came later and are held at a time
PROBLEMS = "problems"  # documents that hold the texts of problems, by lineage

SCHEMA = Schema(
    {
        "strategy": "text",
        "lineage": "text",
        "problem": "text",
        "sample": "whole",
        "answer": "text",
        "correct": "truth",
        "tokens": "whole",
        "prompt_tokens": "whole",
        "flop": "number",
        "prompt_flop": "number",
        "verifier_flop": "number",
        "verifier_prompt_flop": "number",
        "seconds": "number",
        "response": "text",
        "left_out": "text",
    },
    ("strategy", "lineage", "problem", "sample"),
    SCORE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One attempt at a problem.

    `answer` is the final answer in its one normal form, None where there is none: such a sample
    never votes. `correct` is None where nobody graded it. `flop` is of generating it, and
    `verifier_flop` of scoring it. `prompt_flop` is of reading the prompt, and
    `verifier_prompt_flop` of the verifier's reading of it: every sample states them, and the
    samples of a problem share one such reading. `scores` are by verifier, NaN where one gave none.
    `left_out` says why a sample counts in no estimate at all; a wrong or empty answer is no
    reason, it is a wrong answer.
    """

    problem: str
    sample: int
    strategy: str = "parallel"
    lineage: str = ""
    answer: str | None = None
    correct: bool | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    tokens: int | None = None
    prompt_tokens: int | None = None
    flop: float | None = None
    prompt_flop: float | None = None
    verifier_flop: float | None = None
    verifier_prompt_flop: float | None = None
    seconds: float | None = None
    response: str | None = None
    left_out: str = ""


@dataclass(frozen=True)
class BankWriter:
    """Adds samples to a bank. What it returned from survives a kill, a full disk, a power cut."""

    _writer: Writer

    def has(
        self, problem: str, sample: int, *, strategy: str = "parallel", lineage: str = ""
    ) -> bool:
        """Return whether the bank holds that sample, so that it need not be made."""
        return self._writer.has(strategy, lineage, problem, sample)

    def append(self, samples: Sequence[Sample]) -> int:
        """Write samples; return how many were new. One call is one write to the disk."""
        if not samples:
            return 0
        plain = [f.name for f in fields(Sample) if f.name != "scores"]
        columns: dict[str, Sequence[Any]] = {n: [getattr(s, n) for s in samples] for n in plain}
        for name in dict.fromkeys(name for s in samples for name in s.scores):
            columns[SCORE + name] = [s.scores.get(name) for s in samples]
        return self._writer.add(columns)

    def extend(self, columns: Mapping[str, Sequence[Any]]) -> int:
        """Write samples given as columns, verifiers as "score:NAME"; return how many were new."""
        count = len(columns["problem"]) if "problem" in columns else 0
        all_columns = {"strategy": ["parallel"] * count, "lineage": [""] * count, **columns}
        return self._writer.add(all_columns)

    def close(self) -> None:
        """Make what was written fast to read; done by itself every few thousand rows."""
        self._writer.close_chunk()


@dataclass(frozen=True, slots=True)
class Group:
    """Samples of one strategy and lineage: how many, of how many problems, how many left out."""

    strategy: str
    lineage: str
    samples: int
    problems: int
    left_out: int


@dataclass(frozen=True)
class SampleBank:
    """A folder of samples. Anybody reads it, while one process writes."""

    study: Study

    @staticmethod
    def create(path: str | os.PathLike[str], about: Mapping[str, JSON] | None = None) -> SampleBank:
        """Return the bank at `path`, made there with `about` if there is none."""
        if (Path(path) / "study.db").exists():
            return SampleBank.open(path)
        return SampleBank(Study.create(path, {"holds": "samples", **(about or {})}))

    @staticmethod
    def open(path: str | os.PathLike[str]) -> SampleBank:
        """Return the bank at `path`.

        Raises UsageError where there is none.
        """
        if not (Path(path) / "study.db").is_file():
            raise UsageError(
                f"{os.fspath(path)} is no bank of samples: it holds no study.db; 'isoflop testtime "
                "sample' fills one, and so does 'isoflop import --as samples'"
            )
        return SampleBank(Study.open(path))

    @property
    def rows(self) -> Rows:
        """The samples as they lie on the disk."""
        return Rows(self.study.path / "samples", SCHEMA)

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The verifiers that any sample has a score of."""
        names = {*self.rows.names(), *self._judged_later()}
        return tuple(sorted(n.removeprefix(SCORE) for n in names if n.startswith(SCORE)))

    def problems(self, lineage: str) -> dict[str, tuple[str, str]]:
        """Return the prompt and the right answer of each problem, as far as they are known."""
        bodies = (d.body for d in self.study.documents(PROBLEMS) if d.body["lineage"] == lineage)
        texts = next(bodies, {}).get("texts", {})
        assert isinstance(texts, dict)
        return {name: (prompt, answer) for name, (prompt, answer) in texts.items()}

    def keep_problems(self, lineage: str, texts: Mapping[str, tuple[str, str]]) -> None:
        """Keep the prompt and the right answer of problems; those that are known stay."""
        entries: dict[str, JSON] = {
            name: [prompt, answer]
            for name, (prompt, answer) in {**texts, **self.problems(lineage)}.items()
        }
        if entries:
            self.study.put(PROBLEMS, lineage or "-", {"lineage": lineage, "texts": entries})

    def later(self, column: str) -> Rows:
        """Return where verdicts that come later lie, of "correct" or of a verifier "score:NAME"."""
        return Rows(self.study.path / "later" / quote(column, safe=""), SCHEMA)

    def tables(
        self,
        columns: Sequence[str],
        where: Mapping[str, str],
        span: tuple[str, str] | None = None,
    ) -> Iterator[pa.Table]:
        """Yield the samples that have the texts of `where`, a chunk at a time, with all verdicts.

        `span` says the first and the last problem. Texts come as dictionaries.
        Raises BadStudy for a damaged file.
        """
        added = sorted(self._judged_later() & set(columns))
        key = [name for name in SCHEMA.key if added and name not in columns]
        for first, last in self._parts(where, span, added):
            between = {} if first is None or last is None else {"problem": (first, last)}
            verdicts = {name: self._verdicts(name, where, between) for name in added}
            for table in self.rows.tables([*columns, *key], where, between, CODED):
                for name, verdict_table in verdicts.items():
                    table = verdict_table.fill(table, name)
                yield table.select(list(columns))

    def _parts(
        self, where: Mapping[str, str], span: tuple[str, str] | None, added: Sequence[str]
    ) -> Iterator[tuple[str | None, str | None]]:
        """Yield the first and last problem of parts whose verdicts, that came later, are few."""
        rows = sum(self.later(name).size() for name in added)
        if span is not None or rows <= VERDICTS:
            yield span or (None, None)
            return
        names, each = sizes_of(self.rows.tables(["problem"], where, coded=CODED))
        for first, last in spans(each, VERDICTS // len(added)):
            yield names[first], names[last - 1]

    @contextlib.contextmanager
    def writing(self) -> Iterator[BankWriter]:
        """Hold the bank as its only writer.

        Raises EnvironmentFailure, which names the process that holds it.
        """
        with self.rows.writing() as writer:
            yield BankWriter(writer)

    def load(
        self,
        strategy: str | None = None,
        lineage: str | None = None,
        verifiers: Sequence[str] = (),
        answers: bool = False,
    ) -> Samples:
        """Return the samples of one strategy and lineage, in memory: some 20 bytes a sample.

        None means the only one there is. Raises UsageError where that leaves none or several.
        """
        if unknown := sorted(set(verifiers) - set(self.verifiers)):
            raise UnknownName("verifier in the bank", unknown[0], self.verifiers)
        return gather(self._reader(strategy, lineage), verifiers, answers)

    def blocks(
        self,
        strategy: str | None = None,
        lineage: str | None = None,
        verifiers: Sequence[str] = (),
        answers: bool = False,
    ) -> SampleBlocks:
        """Return the samples of one strategy and lineage, read a block of problems at a time.

        Estimators take banks of any size so. Raises UsageError as `load` does.
        """
        if unknown := sorted(set(verifiers) - set(self.verifiers)):
            raise UnknownName("verifier in the bank", unknown[0], self.verifiers)
        return read_blocks(self._reader(strategy, lineage), verifiers, answers)

    def counts(self, strategy: str | None = None, lineage: str | None = None) -> Counts:
        """Return how many samples of each problem are right, of banks of any size."""
        read = self._reader(strategy, lineage)
        return counted(read(("problem", "correct", "left_out"), None))

    def _reader(self, strategy: str | None, lineage: str | None) -> Read:
        group = chosen_group(self.kinds(), strategy, lineage, str(self.study.path))
        where = {"strategy": group[0], "lineage": group[1]}
        return lambda columns, span: self.tables(columns, where, span)

    def _judged_later(self) -> set[str]:
        """Return the columns that verdicts came for later."""
        names = {unquote(p.name) for p in (self.study.path / "later").glob("*")}
        return {name for name in names if self.later(name).names()}

    def _verdicts(
        self, column: str, where: Mapping[str, str], between: Mapping[str, tuple[str, str]]
    ) -> Verdicts:
        names = ("problem", "sample", column)
        return Verdicts.of(self.later(column).tables(names, where, between, CODED), column)

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Return each strategy and lineage that the bank holds."""
        return tuple(sorted((s, of) for s, of in self.rows.texts(("strategy", "lineage"))))

    def groups(self) -> tuple[Group, ...]:
        """Return what the bank holds, by strategy and lineage."""
        import pyarrow.compute as pc

        names = ("strategy", "lineage", "problem", "left_out")
        totals: dict[tuple[str, str], tuple[int, set[str], int]] = {}
        for table in self.rows.tables(names, {}):
            table = table.set_column(3, "left_out", pc.not_equal(pc.fill_null(table[3], ""), ""))
            counts = table.group_by(["strategy", "lineage", "problem"]).aggregate(
                [("left_out", "count"), ("left_out", "sum")]
            )
            for row in counts.to_pylist():
                key = row["strategy"], row["lineage"]
                n, problems, out = totals.get(key, (0, set(), 0))
                problems.add(row["problem"])
                totals[key] = n + row["left_out_count"], problems, out + row["left_out_sum"]
        return tuple(Group(*k, n, len(p), out) for k, (n, p, out) in sorted(totals.items()))


def chosen_group(
    groups: Iterable[tuple[str, str]], strategy: str | None, lineage: str | None, origin: str
) -> tuple[str, str]:
    """Return the one strategy and lineage that is meant; None means the only one there is.

    Raises UsageError, which lists what there is, where that leaves none or several.
    """
    candidates = list(groups)
    matches = [g for g in candidates if strategy in (None, g[0]) and lineage in (None, g[1])]
    if len(matches) == 1:
        return matches[0]
    have = "; ".join(f"{s} of {n!r}" for s, n in (matches or candidates)[:8])
    why = (
        "no samples"
        if not candidates
        else "several sorts of samples"
        if matches
        else "none of that"
    )
    listed = f": {have}; say --strategy and --lineage" if have else ""
    raise UsageError(f"{origin} holds {why}{listed}")
