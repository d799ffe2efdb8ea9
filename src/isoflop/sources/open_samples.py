"""Open samples: a bank, a log or counts of samples, or a generated bank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, UnknownName, UsageError, amount

if TYPE_CHECKING:
    from isoflop.samples.bank import SampleBank
    from isoflop.samples.blocks import SampleBlocks
    from isoflop.samples.sample_table import Counts, Samples
    from isoflop.sources.sample_logs import SampleTable


GENERATED = {"sample:bank": 1.0, "sample:bank-large": 2.2}  # by how much the model is better

PREFIX = "sample:"
PACKAGED = "sample:chain-bank"  # one seed of the embedded study, and the strategies run in it


@dataclass(frozen=True)
class SampleSource:
    """Samples, and what was noticed when they were read; `counted` alone where only counts came."""

    bank: SampleBank | SampleTable | None
    counted: Counts | None
    notes: tuple[Note, ...]
    strategy: str | None
    lineage: str | None

    def counts(self) -> Counts:
        """Return how many samples of each problem are right."""
        if self.bank is None:
            assert self.counted is not None
            return self.counted
        return self.bank.counts(self.strategy, self.lineage)

    def samples(self, verifiers: Sequence[str] | None = None, answers: bool = True) -> Samples:
        """Return the samples, with the scores of all verifiers unless some are named.

        Verifiers that scored none of them are left out, unless they are named.
        Raises UsageError where only counts were given.
        """
        if self.bank is None:
            raise UsageError("counts tell coverage alone; votes and verifiers need the samples")
        if verifiers is not None:
            named = self.bank.load(self.strategy, self.lineage, verifiers, answers)
            return replace(named, notes=(*named.notes, *_silent(*_answered(named))))
        samples = self.bank.load(self.strategy, self.lineage, self.bank.verifiers, answers)
        scores = {name: s for name, s in samples.scores.items() if np.isfinite(s).any()}
        silent = [name for name in samples.scores if name not in scores]
        remarks = tuple(
            Note("doubt", "scores", f"verifier {name} scored none of these samples")
            for name in silent
        )
        return replace(
            samples, scores=scores, notes=(*samples.notes, *remarks, *_silent(*_answered(samples)))
        )

    def blocks(self, verifiers: Sequence[str] | None = None) -> SampleBlocks:
        """Return the samples as `samples` does, with answers if any has one, a block at a time."""
        if self.bank is None:
            raise UsageError("counts tell coverage alone; votes and verifiers need the samples")
        names = self.bank.verifiers if verifiers is None else verifiers
        blocks = self.bank.blocks(self.strategy, self.lineage, names, True)
        tally, notes = blocks.tally, list(blocks.tally.notes)
        silent = [n for n, scores in tally.scored.items() if not scores.count.any()]
        if verifiers is None and silent:
            notes += [
                Note("doubt", "scores", f"verifier {name} scored none of these samples")
                for name in silent
            ]
            scored = {name: scores for name, scores in tally.scored.items() if name not in silent}
            tally = replace(tally, scored=scored)
        notes += _silent(tally.answered, len(tally))
        if not tally.answered:
            notes.append(
                Note("doubt", "answers", "no sample has an answer, so nothing can be voted on")
            )
        tally = replace(tally, notes=tuple(notes))
        return replace(blocks, tally=tally, answers=bool(tally.answered))

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Return each strategy and lineage that there are samples of."""
        return () if self.bank is None else self.bank.kinds()

    def lengths(self, strategy: str, lineage: str) -> Iterator[Numbers]:
        """Yield the tokens of every response of a strategy that states them, some at a time."""
        assert self.bank is not None
        where = {"strategy": strategy, "lineage": lineage}
        for table in self.bank.tables(("problem", "tokens", "left_out"), where):
            out = np.array([bool(text) for text in table["left_out"].to_pylist()], bool)
            tokens = np.asarray(table["tokens"].cast("float64").to_numpy(), float)
            yield tokens[~out & np.isfinite(tokens)]


def opened(
    source: str,
    strategy: str | None = None,
    lineage: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> SampleSource:
    """Return the samples of a source.

    Of a bank with several strategies, those called "parallel" are meant unless said otherwise.
    Raises BadRuns for a log without samples, UsageError for a bank that leaves a choice open,
    UnknownName for a "sample:NAME" that there is not.
    """
    from isoflop.samples.bank import SampleBank
    from isoflop.sources.sample_logs import SampleTable, read_samples
    from isoflop.sources.sample_logs.counts import read_counts

    sources = (*GENERATED, PACKAGED)
    if columns and (source in GENERATED or (Path(source) / "study.db").exists()):
        raise UsageError(f"--columns names the fields of a log, and {source} is a bank of its own")
    if source.startswith(PREFIX) and source not in sources:
        names = [name.removeprefix(PREFIX) for name in sources]
        raise UnknownName("sample", source.removeprefix(PREFIX), names)
    if source == PACKAGED:
        source = str(resources.files("isoflop.sources") / "samples" / "chain-bank.parquet")
    if source in GENERATED:
        table = SampleTable.of(generated(source), source)
        return SampleSource(table, None, (), strategy or "parallel", lineage)
    if (Path(source) / "study.db").exists():
        bank = SampleBank.open(source)
        several = strategy is None and ("parallel" in {s for s, _ in bank.kinds()})
        return SampleSource(bank, None, (), "parallel" if several else strategy, lineage)
    counts = read_counts(Path(source), columns or {})
    if counts is not None:
        return SampleSource(None, counts, counts.notes, None, None)
    table = read_samples([source], columns)
    several = strategy is None and "parallel" in {s for s, _ in table.kinds()}
    return SampleSource(table, None, table.notes, "parallel" if several else strategy, lineage)


def _answered(samples: Samples) -> tuple[int, int]:
    """Return how many samples have an answer, of how many."""
    return 0 if samples.answer is None else int((samples.answer >= 0).sum()), len(samples)


def _silent(answered: int, samples: int) -> tuple[Note, ...]:
    """Return how many samples have no answer, where others have one."""
    if not 0 < answered < samples:
        return ()
    lacks = amount(samples - answered, "sample has", "samples have")
    return (Note("doubt", "answers", f"{lacks} no answer in a normal form: they do not vote"),)


def generated(name: str) -> Mapping[str, list[object]]:
    """Return a bank that comes with the package: 120 problems of 64 samples, of known truth."""
    from isoflop.samples.simulated_samples import SyntheticTask, simulate

    lift = GENERATED[name]
    world = SyntheticTask(
        alpha=0.45, beta=1.1, skill=1.6, fooled=0.03, lift=lift, parameters=1e8 * lift**3
    )
    columns = simulate(world, 120, 64, seed=7, lineage=name.removeprefix(PREFIX))
    return {column: np.asarray(values).tolist() for column, values in columns.items()}
