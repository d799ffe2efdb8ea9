"""What the test-time commands take: a bank, a log or counts of samples, or a generated bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, TypeAlias

from isoflop.commands.registry import Option
from isoflop.errors import UsageError

if TYPE_CHECKING:
    from isoflop.samples.sample_table import Counts, Samples

GENERATED = {"sample:bank": 1.0, "sample:bank-large": 2.2}  # by how much the model is better

BankSource: TypeAlias = Annotated[
    str, Option("a sample bank, a log or table of samples or counts, or sample:bank", "BANK")
]
Strategy: TypeAlias = Annotated[
    str | None, Option("of these samples alone, such as parallel", "NAME")
]
Lineage: TypeAlias = Annotated[
    str | None, Option("what made the samples, where a bank holds several", "NAME")
]
Fields: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("which field of a log is what, such as correct=exact_match", "NAME=FIELD"),
]
Draws: TypeAlias = Annotated[int, Option("draws of problems behind intervals")]
Level: TypeAlias = Annotated[float, Option("what the intervals hold")]
Seed: TypeAlias = Annotated[int, Option("of all that is drawn by chance")]


class Held(Protocol):
    """Samples wherever they lie."""

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The verifiers that scored them."""

    def load(
        self,
        strategy: str | None = None,
        lineage: str | None = None,
        verifiers: Sequence[str] = (),
        answers: bool = False,
    ) -> Samples:
        """Return the samples of one strategy and lineage."""

    def counts(self, strategy: str | None = None, lineage: str | None = None) -> Counts:
        """Return how many samples of each problem are right."""


@dataclass(frozen=True)
class Opened:
    """Samples, and what was noticed when they were read; `counted` alone where only counts came."""

    held: Held | None
    counted: Counts | None
    notes: tuple[str, ...]
    strategy: str | None
    lineage: str | None

    def counts(self) -> Counts:
        """Return how many samples of each problem are right."""
        if self.held is None:
            assert self.counted is not None
            return self.counted
        return self.held.counts(self.strategy, self.lineage)

    def samples(self, verifiers: Sequence[str] | None = None, answers: bool = True) -> Samples:
        """Return the samples, with the scores of all verifiers unless some are named.

        Raises UsageError where only counts were given.
        """
        if self.held is None:
            raise UsageError("counts tell coverage alone; votes and verifiers need the samples")
        wanted = self.held.verifiers if verifiers is None else tuple(verifiers)
        return self.held.load(self.strategy, self.lineage, wanted, answers)


def opened(
    source: str,
    strategy: str | None = None,
    lineage: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Opened:
    """Return the samples of a source.

    Of a bank with several strategies, those called "parallel" are meant unless said otherwise.
    Raises BadRuns for a log without samples, UsageError for a bank that leaves a choice open.
    """
    from isoflop.samples.bank import Bank
    from isoflop.sources.sample_logs import SampleTable, read_samples
    from isoflop.sources.sample_logs.counts import read_counts

    if source in GENERATED:
        table = SampleTable(generated(source), (), source)
        return Opened(table, None, (), strategy or "parallel", lineage)
    if (Path(source) / "study.db").exists():
        bank = Bank.open(source)
        several = strategy is None and ("parallel" in {s for s, _ in bank.kinds()})
        return Opened(bank, None, (), "parallel" if several else strategy, lineage)
    counts = read_counts(Path(source), columns or {})
    if counts is not None:
        return Opened(None, counts, counts.notes, None, None)
    table = read_samples([source], columns)
    several = strategy is None and "parallel" in table.columns["strategy"]
    return Opened(table, None, table.notes, "parallel" if several else strategy, lineage)


def generated(name: str) -> Mapping[str, list[object]]:
    """Return a bank that comes with the package: 120 problems of 64 samples, of known truth."""
    from isoflop.samples.simulated_samples import World, simulate

    lift = GENERATED[name]
    world = World(alpha=0.45, beta=1.1, skill=1.6, fooled=0.03, lift=lift, parameters=1e8 * lift**3)
    made = simulate(world, 120, 64, seed=7, lineage=name.removeprefix("sample:"))
    return {column: list(values) for column, values in made.items()}
