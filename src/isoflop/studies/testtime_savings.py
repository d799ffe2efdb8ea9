"""What a policy by difficulty saves in the study of test time, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import RefusedByData
from isoflop.report import Block, Cell, Heading, Remark, Table
from isoflop.studies.reward import LEVEL, Mean
from isoflop.studies.testtime import signed

if TYPE_CHECKING:
    from isoflop.plan.sampling.options import SamplingChoice
    from isoflop.plan.sampling.policy import AtBudget, SamplingPolicy
    from isoflop.samples.bank import SampleBank
    from isoflop.samples.sample_table import Samples
    from isoflop.studies.testtime import Seed

ASIDE = 8  # samples that difficulty is read from
AT = (16, 64)  # budgets: the price of so many samples, weighed by the verifier
AGAINST = ("best of k by {}", "majority")
DRAWS = 100


@dataclass(frozen=True)
class Saving:
    """The policy against one baseline at the price of `k` samples, in every seed."""

    baseline: str
    k: int
    budget: float
    each: tuple[AtBudget, ...]

    @property
    def gain(self) -> Mean:
        """The score above that of the baseline."""
        return Mean.of([at.gain for at in self.each])

    @property
    def times(self) -> tuple[float, ...]:
        """What the baseline needs for the score of the policy, over the budget, by seed."""
        return tuple(at.saving for at in self.each)


def savings(bank: SampleBank, seeds: Sequence[Seed], seed: int) -> tuple[Saving, ...] | str:
    """Return the policy at each budget against each baseline, or why there is none."""
    from isoflop.plan.sampling.prices import cost_of

    verifier = bank.verifiers[0]
    samples = [bank.load("parallel", s.lineage, bank.verifiers, answers=True) for s in seeds]
    ks = [k for k in AT if k <= seeds[0].k[-1]]
    budgets = [float(np.mean([cost_of(d, k, "flop", True).mean() for d in samples])) for k in ks]
    names = [text.format(verifier) for text in AGAINST]
    try:
        each = [
            _policies(bank, s, d, names, budgets, seed) for s, d in zip(seeds, samples, strict=True)
        ]
    except RefusedByData as reason:
        return str(reason)
    return tuple(
        Saving(name, k, budget, tuple(seed_policies[n].budgets[i] for seed_policies in each))
        for n, name in enumerate(names)
        for i, (k, budget) in enumerate(zip(ks, budgets, strict=True))
    )


def _policies(
    bank: SampleBank,
    seed_result: Seed,
    samples: Samples,
    baselines: list[str],
    budgets: list[float],
    seed: int,
) -> tuple[SamplingPolicy, ...]:
    from isoflop.options import IntervalOptions
    from isoflop.plan.sampling.difficulty import DifficultyOptions
    from isoflop.plan.sampling.policy import policies
    from isoflop.plan.sampling.prices import Spending

    return policies(
        samples,
        baselines,
        sorting=DifficultyOptions(estimate=ASIDE),
        spending=Spending(unit="flop", budgets=budgets),
        others=_others(bank, seed_result, samples.problems),
        interval=IntervalOptions(draws=DRAWS, level=LEVEL, seed=seed),
    )


def _others(bank: SampleBank, seed_result: Seed, problems: tuple[str, ...]) -> list[SamplingChoice]:
    """Return the strategies that were run, at what each of them cost."""
    from isoflop.experiments.testtime import name_of
    from isoflop.plan.sampling.options import SamplingChoice

    return [
        SamplingChoice(name_of(way), result.right, result.flop + result.verifier_flop)
        for way, result in seed_result.strategies.items()
    ]


def saving_table(saved: tuple[Saving, ...] | str) -> list[Block]:
    """Return what the policy saves, or why it is not known."""
    if isinstance(saved, str):
        return [Remark(f"no policy by difficulty: {saved}", "doubt")]
    rows: list[tuple[Cell, ...]] = []
    for s in saved:
        score = float(np.mean([at.score for at in s.each]))
        base = float(np.mean([at.baseline for at in s.each]))
        times = ", ".join("never" if np.isinf(t) else f"{t:.2f}" for t in s.times)
        rows.append((s.baseline, s.k, s.budget, score, base, signed(s.gain), times))
    return [
        Heading("A policy by difficulty"),
        Table(
            (
                "against",
                "price of k",
                "budget [FLOP]",
                "policy",
                "it",
                "gain",
                "saving by seed",
            ),
            tuple(rows),
            f"Difficulty is read from the verifier's scores of {ASIDE} samples, whose price is "
            "charged, and which are part of the answer; choices are cross-fitted. A saving of 2: "
            "the baseline needs twice the compute for the policy's score; never: not within the "
            "bank.",
        ),
    ]


def saving_data(saved: tuple[Saving, ...] | str) -> Any:
    """Return the same for a program."""
    if isinstance(saved, str):
        return {"refused": saved}
    return [
        {
            "baseline": s.baseline,
            "k": s.k,
            "budget": s.budget,
            "policy": [at.score for at in s.each],
            "score": [at.baseline for at in s.each],
            "gain": s.gain.value,
            "low": s.gain.low,
            "high": s.gain.high,
            "saving": [t if np.isfinite(t) else None for t in s.times],
            "choices": [list(at.choices) for at in s.each],
        }
        for s in saved
    ]
