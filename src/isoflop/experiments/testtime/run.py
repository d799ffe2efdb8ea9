"""Carry out one trial of the study, part by part, each kept in the trial's own bank."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.policy import Problems, warm_start
from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.state import load_state
from isoflop.experiments.testtime.config import BANK, VERIFIER, SearchStudyConfig
from isoflop.experiments.testtime.outcome import ComputeCost, StrategyAnswers
from isoflop.experiments.testtime.registry import name_of, named
from isoflop.experiments.testtime.sampler import Bench
from isoflop.experiments.testtime.strategies import PARALLEL
from isoflop.experiments.testtime.verifier import ProcessVerifier, TrainedVerifier, teach
from isoflop.samples.bank import BankWriter, SampleBank
from isoflop.samples.sample_table import SCORE

ASKED, SAMPLED, TRIED = range(3)  # streams of random numbers
CHUNK = 2_048  # responses that are drawn at once
WARM, JUDGED = 0.25, 0.45  # shares of a trial that are done after the warm start, the verifier


@dataclass(frozen=True, eq=False, slots=True)
class TrialResult:
    """What a trial came to: its bank, how good the verifier is, and what it took."""

    bank: SampleBank
    auc: float
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """Work that is written at once: samples of a strategy, of which `last` is the last."""

    strategy: str
    last: tuple[str, int]  # problem and number
    make: Callable[[], dict[str, Any]]


def carry(setting: SearchStudyConfig, folder: TrialFolder, seed: int) -> TrialResult:
    """Fill the bank of a trial; what is in it already is left alone."""
    began, cpu = time.perf_counter(), time.process_time()
    policy = warm_start(
        setting.shape, setting.task, setting.warmup, seed=seed, retries=setting.retries
    )
    folder.progress(WARM)
    trained_verifier = _taught(policy, setting, folder, seed)
    folder.progress(JUDGED)
    bench = Bench(setting.task, policy, trained_verifier.verifier)
    bank = SampleBank.create(folder.path / BANK)
    parts = list(_parts(setting, bench, seed))
    lineage = setting.lineage(seed)
    with bank.writing() as writer:
        for i, part in enumerate(parts, start=1):
            _do(part, lineage, writer)
            folder.progress(JUDGED + (1 - JUDGED) * i / len(parts))
        writer.close()
    return TrialResult(
        bank, trained_verifier.auc, time.perf_counter() - began, time.process_time() - cpu
    )


def generator(seed: int, *stream: int) -> torch.Generator:
    """Return the random numbers of one use, whatever was drawn before."""
    words = np.random.SeedSequence((seed, *stream)).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))


def _taught(
    policy: PolicyModel, setting: SearchStudyConfig, folder: TrialFolder, seed: int
) -> TrainedVerifier:
    """Return the verifier, from the checkpoint if it was taught before."""
    if (path := folder.checkpoint) is not None:
        checkpoint = load_state(path)
        verifier = ProcessVerifier(policy, seed)
        verifier.load_state_dict(checkpoint["verifier"])
        return TrainedVerifier(verifier, checkpoint["auc"])
    trained_verifier = teach(policy, setting.task, setting.judgement, seed)
    state = {"verifier": trained_verifier.verifier.state_dict(), "auc": trained_verifier.auc}
    folder.save_checkpoint(lambda file: torch.save(state, file))
    return trained_verifier


def _do(part: Part, lineage: str, writer: BankWriter) -> None:
    """Make and write a part, unless it is there."""
    problem, sample = part.last
    if writer.has(problem, sample, strategy=part.strategy, lineage=lineage):
        return
    began = time.perf_counter()
    columns = part.make()
    count = len(columns["problem"])
    each = (time.perf_counter() - began) / count
    same = {"strategy": part.strategy, "lineage": lineage, "seconds": each}
    writer.extend({**columns, **{name: [value] * count for name, value in same.items()}})


def _parts(setting: SearchStudyConfig, bench: Bench, seed: int) -> Iterator[Part]:
    """Yield every part of a trial."""
    problems = setting.task.problems(setting.problems, np.random.default_rng((seed, ASKED)))
    names = np.array([f"{seed}-{i:04d}" for i in range(len(problems))])
    at_once = max(1, CHUNK // setting.samples)
    for i, first in enumerate(range(0, len(problems), at_once)):
        rows = slice(first, first + at_once)
        yield _sampled(
            bench, problems[rows], names[rows], setting.samples, generator(seed, SAMPLED, i)
        )
    for name in setting.strategies:
        yield _tried(bench, problems, names, setting.runs(name), name, seed)


def _sampled(
    bench: Bench, problems: Problems, names: Any, samples: int, random: torch.Generator
) -> Part:
    """Return the part that samples some of the problems in parallel."""

    def make() -> dict[str, Any]:
        responses = bench.draw(problems, samples, random)
        prompt = (problems.prompts != bench.task.control.pad).sum(1)
        return {
            "problem": np.repeat(names, samples).tolist(),
            "sample": np.tile(np.arange(samples), len(problems)),
            "answer": _texts(responses.answers.ravel()),
            "correct": responses.correct.ravel(),
            "tokens": responses.lengths.ravel(),
            "prompt_tokens": np.repeat(prompt, samples),
            "flop": responses.flop.ravel(),
            "prompt_flop": np.repeat(responses.prompt_flop, samples),
            "verifier_flop": responses.verifier_flop.ravel(),
            "verifier_prompt_flop": np.repeat(responses.verifier_prompt_flop, samples),
            SCORE + VERIFIER: responses.scores.ravel(),
        }

    return Part(PARALLEL, (str(names[-1]), samples - 1), make)


def _tried(
    bench: Bench, problems: Problems, names: Any, repeats: int, name: str, seed: int
) -> Part:
    """Return the part that runs a strategy on every problem, several times."""
    strategy = named(name)
    called = name_of(strategy)
    each = problems.repeat(repeats)

    def make() -> dict[str, Any]:
        random = generator(seed, TRIED, zlib.crc32(called.encode()))
        size = max(1, CHUNK // strategy.responses)
        results = [strategy(bench, each[i : i + size], random) for i in range(0, len(each), size)]
        return {
            "problem": np.repeat(names, repeats).tolist(),
            "sample": np.tile(np.arange(repeats), len(problems)),
            "prompt_tokens": (each.prompts != bench.task.control.pad).sum(1),
            **_outcomes(results, each),
        }

    return Part(called, (str(names[-1]), repeats - 1), make)


def _outcomes(results: list[StrategyAnswers], problems: Problems) -> Mapping[str, Any]:
    """Return final answers and costs as columns of a bank."""
    answers = np.concatenate([o.answers for o in results])
    cost = {
        f.name: np.concatenate([getattr(o.cost, f.name) for o in results])
        for f in fields(ComputeCost)
    }
    return {
        **cost,
        "tokens": cost["tokens"].astype(np.int64),
        "answer": _texts(answers),
        "correct": answers == problems.answers,
        SCORE + VERIFIER: np.concatenate([o.score for o in results]),
    }


def _texts(answers: Any) -> list[str | None]:
    """Return answers in their one normal form: a number, or None where there is none."""
    return [None if a < 0 else str(a) for a in answers.tolist()]
