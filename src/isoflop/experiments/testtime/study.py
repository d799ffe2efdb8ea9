"""The study of test time: one policy for each seed, its bank of samples, and every strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from isoflop.errors import UsageError
from isoflop.experiments.experiment import Experiment, Preset, Trial, TrialFolder
from isoflop.experiments.policy import ChainTask, Retries, Warmup
from isoflop.experiments.testtime.config import BANK, VERIFIER, Judgement, SearchStudyConfig
from isoflop.experiments.testtime.registry import name_of, named
from isoflop.experiments.testtime.strategies import PARALLEL
from isoflop.samples.bank import SampleBank
from isoflop.store import JSON, Study


@dataclass(frozen=True)
class TestTime(Experiment):
    """One trial for each seed: a policy, its verifier, its samples, and strategies run on it.

    Problems differ between seeds, as everything else that is drawn does. The samples of a trial
    lie in its folder; `gather` puts those of all trials into the bank of the study. An
    observation is of one way to spend compute, its label `family`: `score` is the share of
    problems answered rightly, `k` the responses it may take, `thinking` the tokens it took.
    """

    __test__: ClassVar[bool] = False  # the name is that of no test

    key: ClassVar[str] = "testtime"
    cpu_only: ClassVar[bool] = True
    version: ClassVar[int] = 2  # the verifier's reading of the prompt is counted apart
    fills: ClassVar[tuple[str, ...]] = ("k", "thinking", "score")

    setting: SearchStudyConfig
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        """Refuse a study without a seed."""
        if not self.seeds:
            raise UsageError("a study needs at least one seed")

    def trials(self) -> tuple[Trial, ...]:
        """Return one trial for each seed."""
        config = self.setting.describe()
        return tuple(
            self.trial(config, seed=seed, flop=self.setting.flop, label=f"seed {seed}")
            for seed in self.seeds
        )

    @staticmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Fill the bank of one seed; return how each strategy did, and the vote at every k.

        Raises UsageError for a device other than the CPU.
        """
        import torch

        from isoflop.experiments.testtime.run import carry

        if device != "cpu":
            raise UsageError(f"the study of test time runs on the cpu, not on {device!r}")
        setting = SearchStudyConfig.described(trial.config)
        outcome = carry(setting, folder, trial.seed)
        provenance: dict[str, JSON] = {
            "seconds": outcome.seconds,
            "cpu_seconds": outcome.cpu_seconds,
            "auc": outcome.auc,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "params": setting.shape.parameters("total"),
        }
        observations = [
            {"run": f"{family} {trial.seed}", "family": family, "seed": trial.seed, **numbers}
            for family, numbers in _observed(outcome.bank, setting)
        ]
        return {"observations": observations, "provenance": provenance}


def _observed(
    bank: SampleBank, setting: SearchStudyConfig
) -> Iterator[tuple[str, dict[str, JSON]]]:
    """Yield how each strategy of a bank did, and parallel samples at every power of two."""
    from isoflop.samples.curves import curves

    parallel_samples = bank.load(PARALLEL, verifiers=(VERIFIER,), answers=True)
    k = 2 ** np.arange(int(np.log2(setting.samples)) + 1)
    tokens = float(parallel_samples.cost["tokens"].mean())
    for curve in curves(parallel_samples, k, draws=0):
        for count, value in zip(k.tolist(), curve.value.tolist(), strict=True):
            yield curve.name, {"k": count, "thinking": count * tokens, "score": value}
    for name in map(_canonical, setting.strategies):
        strategy_samples = bank.load(name)
        yield (
            name,
            {
                "k": named(name).responses,
                "thinking": float(strategy_samples.cost["tokens"].mean()),
                "score": float(strategy_samples.correct.mean()),
            },
        )


def _canonical(name: str) -> str:
    return name_of(named(name))


def gather(study: Study) -> SampleBank:
    """Return the bank of a study, with the samples of every finished trial.

    Raises UsageError where two trials made samples of one lineage, in different ways.
    """
    bank = SampleBank(study)
    have = set(bank.groups())
    with bank.writing() as writer:
        for trial_bank in _finished(study):
            if have.issuperset(trial_bank.groups()):
                continue
            for table in trial_bank.rows.tables(sorted(trial_bank.rows.names()), {}):
                writer.extend({n: table[n] for n in table.column_names})
        writer.close()
    return bank


def _finished(study: Study) -> Iterator[SampleBank]:
    """Yield the bank of every finished trial."""
    made_by: dict[str, str] = {}
    for folder in sorted(study.trials.glob(f"*/{BANK}")):
        if TrialFolder(folder.parent).summary is None:
            continue
        trial_bank, trial = SampleBank.open(folder), folder.parent.name
        for lineage in {group.lineage for group in trial_bank.groups()}:
            if (other := made_by.setdefault(lineage, trial)) != trial:
                raise UsageError(
                    f"trials {other} and {trial} in {study.path} made samples of {lineage!r} in "
                    "different ways; give this study a folder of its own"
                )
        yield trial_bank


def tiny(seed: int = 0) -> Preset[TestTime]:
    """Return a study of seconds, to see that everything works."""
    setting = SearchStudyConfig(
        ChainTask(modulus=3, most=3, interrupted=0.2),
        width=32,
        layers=1,
        attempts=3,
        warmup=Warmup(steps=160, batch=32, lr=1e-2),
        judgement=Judgement(200, 2, 2, 64, 1e-2),
        problems=24,
        samples=64,
        repeats=2,
        retries=Retries(after=40, most=2),
        strategies=(
            "beam/n=16",
            "budget",
            "budget/again=1",
            "budget/again=2",
            "revision/n=4,chain=2",
        ),
    )
    return Preset(TestTime(setting, (seed, seed + 1)))


TRIED = (
    "beam/n=4,m=2", "beam/n=16", "beam/n=64", "beam/n=16,look=1", "dvts/n=16", "rebase/n=16",
    "mcts/n=16", "adaptive/n=16", "revision/n=4,chain=4", "revision/n=16,chain=2",
    "revision/n=16,chain=4", "budget", "budget/again=1", "budget/again=2", "budget/again=3",
    "budget/again=4", "budget/tokens=2", "budget/tokens=4", "budget/tokens=6", "budget/tokens=8",
)  # fmt: skip


def study(seed: int = 0) -> Preset[TestTime]:
    """Return the embedded study: 192 problems of 256 samples and 20 strategies, four seeds.

    On two cores four seeds take no longer than three.
    """
    return Preset(TestTime(SearchStudyConfig(strategies=TRIED), tuple(range(seed, seed + 4))))


PRESETS: Mapping[str, Callable[[int], Preset[TestTime]]] = MappingProxyType(
    {"tiny": tiny, "study": study}
)
