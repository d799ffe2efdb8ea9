"""How long the curves of a bank take, over the time that NumPy takes to sort its scores once.

A bank of 1,000 problems is read from the disk and told for k up to all its samples: coverage alone
from counts, and all four curves. The ratio to one sort of the same numbers holds on any machine;
the last line says seconds and memory here.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
import pytest

from isoflop.samples.bank import SampleBank
from isoflop.samples.curves import coverage_curve, curves

PROBLEMS = 1000


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("samples", [200, 2000])
def test_curves_of_a_bank(samples, tmp_path):
    rng = np.random.default_rng(0)
    bank, n = SampleBank.create(tmp_path / "bank"), PROBLEMS * samples
    right = rng.random(n) < np.repeat(rng.beta(0.4, 2.0, PROBLEMS), samples)
    with bank.writing() as rows:
        rows.extend({
            "problem": np.repeat([f"p{i}" for i in range(PROBLEMS)], samples).tolist(),
            "sample": np.tile(np.arange(samples), PROBLEMS), "correct": right,
            "score:v": rng.random(n) + 0.3 * right,
            "answer": np.where(right, 0, rng.integers(1, 20, n)).astype(str).tolist(),
        })  # fmt: skip
    sort = min(seconds(lambda: np.argsort(rng.random(n), kind="stable")) for _ in range(3))
    alone = seconds(lambda: coverage_curve(bank.counts()))
    every = seconds(lambda: curves(bank.load(verifiers=["v"], answers=True)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{n:,} samples: coverage {alone / sort:.1f}, all curves {every / sort:.1f} times a sort "
        f"({alone:.2f} and {every:.2f} CPU-s, at most {memory:.0f} MB)"
    )
    assert alone < 60 * sort + 1.5
    assert every < 150 * sort + 12
